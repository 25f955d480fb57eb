//! What is open on a connection, and how it ends when nobody waits for it any more.

use std::pin::pin;
use std::task::{Context, Waker};

use crm_core::base::error::Result;
use tokio_postgres::Client;

use crate::failure;

/// A transaction that is open on a connection. Dropped before it is over, it is rolled back: the command is sent at once, in front of
/// whatever uses the connection next.
pub struct Held<'c> {
    client: &'c Client,
    undo: Option<&'static str>,
}

impl<'c> Held<'c> {
    /// Begins a transaction.
    pub async fn begin(client: &'c Client) -> Result<Self> {
        let held = Held::expected(client);
        client.batch_execute(BEGIN).await.map_err(failure::of)?;
        Ok(held)
    }

    /// A transaction whose BEGIN the caller sends.
    pub fn expected(client: &'c Client) -> Self {
        Held { client, undo: Some("ROLLBACK") }
    }

    /// The transaction was committed or rolled back.
    pub fn over(mut self) {
        self.undo = None;
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if let Some(undo) = self.undo {
            send(self.client.batch_execute(undo));
        }
    }
}

/// Begins a transaction of a commit.
pub const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";

/// Sends a command without waiting for its answer: the driver sends when it is first polled.
pub fn send<T>(command: impl Future<Output = T>) {
    let _ = pin!(command).as_mut().poll(&mut Context::from_waker(Waker::noop()));
}

//! A connection that is cut while the COMMIT is under way: nobody knows how it ended, and the key settles it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use common::{KINDS, event, open, options, put, puts, record, schema, url};
use crm_core::base::change::{ChangeSet, Expect, Idempotency};
use crm_core::store::query::Query;
use crm_core::store::repository::{Committed, Repository};
use crm_store_postgres::{Options, PostgresRepository};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Where the line is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    /// The server never hears of the COMMIT.
    Before,
    /// The server carries it out, its answer is lost.
    After,
}

/// A line to the server that is cut at the first COMMIT once `is_armed`; gives its address.
async fn line(cut: Cut, is_armed: Arc<AtomicBool>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = listener.local_addr().unwrap().port();
    let address = url();
    let far = tokio_postgres::Config::get_ports(&address.parse().unwrap())[0];
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            let server = TcpStream::connect(("127.0.0.1", far)).await.unwrap();
            tokio::spawn(pass(client, server, cut, is_armed.clone()));
        }
    });
    address.replacen(&format!(":{far}/"), &format!(":{near}/"), 1)
}

async fn pass(mut client: TcpStream, mut server: TcpStream, cut: Cut, is_armed: Arc<AtomicBool>) {
    let (mut up, mut down) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let length = read.unwrap_or(0);
                if length == 0 { return; }
                let is_commit = up[..length].windows(7).any(|w| w == b"COMMIT\0") && is_armed.load(Ordering::SeqCst);
                if is_commit && cut == Cut::Before { return; }
                server.write_all(&up[..length]).await.unwrap();
                if is_commit {
                    // Its answer says that it was carried out; nobody hears it.
                    let length = server.read(&mut down).await.unwrap();
                    assert!(down[..length].windows(6).any(|w| w == b"COMMIT"));
                    return;
                }
            }
            read = server.read(&mut down) => {
                let length = read.unwrap_or(0);
                if length == 0 || client.write_all(&down[..length]).await.is_err() { return; }
            }
        }
    }
}

fn changes(has_key: bool) -> ChangeSet {
    let mut changes = puts(vec![put(record("deal", "a", 1, &[]), Expect::Absent)]);
    changes.events.push(event("a"));
    changes.idempotency = has_key.then(|| Idempotency {
        key: "k".to_owned(),
        request_hash: "h".to_owned(),
        response: "\"done\"".to_owned(),
    });
    changes
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_settles_a_commit_that_nobody_heard_of_again() {
    for cut in [Cut::Before, Cut::After] {
        let schema = schema("unknown");
        let direct = open(&schema).await;
        let is_armed = Arc::new(AtomicBool::new(false));
        let address = line(cut, is_armed.clone()).await;
        let store = PostgresRepository::connect_for(&address, KINDS, options(&schema)).await.unwrap();
        is_armed.store(true, Ordering::SeqCst);
        let error = store.commit(&changes(true)).await.unwrap_err();
        assert!(error.message().contains("same idempotency key") && error.retryable(), "{error}");
        is_armed.store(false, Ordering::SeqCst);
        // The same request again, by the same store, which makes itself a new connection.
        let again = store.commit(&changes(true)).await.unwrap();
        match cut {
            Cut::Before => assert_eq!(again, Committed::DONE),
            Cut::After => assert!(matches!(again, Committed::Replayed { response, .. } if response == "\"done\"")),
        }
        assert_eq!(direct.find(&Query::of("t", "deal", 10)).await.unwrap().len(), 1);
        assert_eq!(direct.events("t", None, 10).await.unwrap().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_it_is_not_to_be_repeated_unseen() {
    let schema = schema("keyless");
    drop(open(&schema).await);
    let is_armed = Arc::new(AtomicBool::new(false));
    let address = line(Cut::After, is_armed.clone()).await;
    let single = Options { connections: 1, ..options(&schema) };
    let store = PostgresRepository::connect_for(&address, KINDS, single).await.unwrap();
    is_armed.store(true, Ordering::SeqCst);
    let error = store.commit(&changes(false)).await.unwrap_err();
    assert!(error.code() == "storage_failed" && !error.retryable(), "{error}");
}

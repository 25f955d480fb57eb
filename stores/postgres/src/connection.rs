//! Connections: a pooled one that keeps prepared statements, and a host's own, on which nothing is left behind.

use std::error::Error as StdError;
use std::future::Future;

use bytes::BytesMut;
use crm_core::store::sql::{Param, Statement};
use deadpool_postgres::Object;
use futures_util::TryStreamExt as _;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{GenericClient, Row};

/// A failure as the driver reports it.
pub type Failure = tokio_postgres::Error;

/// What statements run on. Futures that are polled one after the other are sent in that order, without waiting for answers.
pub trait Connection: Sync {
    /// What must be there before a statement is sent.
    type Ready: Send + Sync;

    /// Gets a statement ready.
    fn ready(&self, statement: &Statement<'_>) -> impl Future<Output = Result<Self::Ready, Failure>> + Send;

    /// Asks a question.
    fn rows(
        &self,
        ready: &Self::Ready,
        statement: &Statement<'_>,
    ) -> impl Future<Output = Result<Vec<Row>, Failure>> + Send;

    /// Carries out a command and counts the rows that it changed.
    fn changed(
        &self,
        ready: &Self::Ready,
        statement: &Statement<'_>,
    ) -> impl Future<Output = Result<u64, Failure>> + Send;

    /// Carries out a command without parameters.
    fn command(&self, text: &str) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// A parameter on its way.
#[derive(Debug)]
struct Value<'a>(&'a Param<'a>);

impl ToSql for Value<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self.0 {
            Param::Text(text) => text.as_ref().to_sql(kind, out),
            Param::Int8(number) => number.to_sql(kind, out),
            Param::Bytes(bytes) => bytes.as_ref().to_sql(kind, out),
            Param::Null(_) => Ok(IsNull::Yes),
        }
    }

    fn accepts(kind: &Type) -> bool {
        [Type::TEXT, Type::INT8, Type::BYTEA].contains(kind)
    }

    to_sql_checked!();
}

fn type_of(param: &Param<'_>) -> Type {
    match param {
        Param::Text(_) => Type::TEXT,
        Param::Bytes(_) => Type::BYTEA,
        // The only null is a missing integer.
        Param::Int8(_) | Param::Null(_) => Type::INT8,
    }
}

impl Connection for Object {
    type Ready = tokio_postgres::Statement;

    async fn ready(&self, statement: &Statement<'_>) -> Result<Self::Ready, Failure> {
        self.prepare_cached(&statement.text).await
    }

    async fn rows(&self, ready: &Self::Ready, statement: &Statement<'_>) -> Result<Vec<Row>, Failure> {
        let params: Vec<Value<'_>> = statement.params.iter().map(Value).collect();
        self.query_raw(ready, params).await?.try_collect().await
    }

    async fn changed(&self, ready: &Self::Ready, statement: &Statement<'_>) -> Result<u64, Failure> {
        let params: Vec<Value<'_>> = statement.params.iter().map(Value).collect();
        self.execute_raw(ready, params).await
    }

    async fn command(&self, text: &str) -> Result<(), Failure> {
        self.batch_execute(text).await
    }
}

/// A connection of the host's: statements carry their types and are not prepared.
pub struct Borrowed<'c, C>(pub &'c C);

impl<C: GenericClient + Sync> Connection for Borrowed<'_, C> {
    type Ready = ();

    async fn ready(&self, _: &Statement<'_>) -> Result<(), Failure> {
        Ok(())
    }

    async fn rows(&self, (): &(), statement: &Statement<'_>) -> Result<Vec<Row>, Failure> {
        let values: Vec<Value<'_>> = statement.params.iter().map(Value).collect();
        let params: Vec<(&(dyn ToSql + Sync), Type)> =
            values.iter().map(|value| (value as &(dyn ToSql + Sync), type_of(value.0))).collect();
        self.0.query_typed(&statement.text, &params).await
    }

    async fn changed(&self, (): &(), statement: &Statement<'_>) -> Result<u64, Failure> {
        let values: Vec<Value<'_>> = statement.params.iter().map(Value).collect();
        let params: Vec<(&(dyn ToSql + Sync), Type)> =
            values.iter().map(|value| (value as &(dyn ToSql + Sync), type_of(value.0))).collect();
        self.0.execute_typed(&statement.text, &params).await
    }

    async fn command(&self, text: &str) -> Result<(), Failure> {
        self.0.batch_execute(text).await
    }
}

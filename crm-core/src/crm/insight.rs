//! Figures over the opportunities of a store: load one pipeline's, then ask `crate::insight`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::session::Session;
use crate::base::codes::Code;
use crate::base::decision::Decision;
use crate::base::entity::Entity;
use crate::base::error::{Error, Result};
use crate::base::hint::hint;
use crate::base::limits;
use crate::base::order;
use crate::base::record::KeyBytes;
use crate::config::Config;
use crate::customers::account::Account;
use crate::insight::closed::ClosedRequest;
use crate::insight::cycle_time::CycleTimes;
use crate::insight::deals::Deals;
use crate::insight::forecast::{AmountPolicy, Forecast, ForecastRequest, Prices};
use crate::insight::funnel::{Funnel, FunnelRequest};
use crate::insight::group::{GroupBy, Labels};
use crate::insight::win_rate::WinRates;
use crate::insight::won_value::WonValues;
use crate::people::user::User;
use crate::pipeline::definition::Pipeline;
use crate::pipeline::moves;
use crate::pipeline::opportunity::Opportunity;
use crate::pricing::price_book::PriceBook;
use crate::pricing::product::Product;
use crate::store::query::{Query, Test};

/// How far opportunities come along the stages.
pub(crate) async fn funnel(session: &mut Session<'_>, request: &FunnelRequest) -> Result<Decision<Funnel>> {
    let loaded = Loaded::load(session, request.pipeline.as_deref(), request.group_by).await?;
    crate::insight::funnel::funnel(&loaded.deals, request, loaded.pipeline()?, &loaded.labels, session.context())
}

/// How many of the closed opportunities were won.
pub(crate) async fn win_rate(session: &mut Session<'_>, request: &ClosedRequest) -> Result<Decision<WinRates>> {
    let loaded = Loaded::load(session, request.pipeline.as_deref(), request.group_by).await?;
    crate::insight::win_rate::win_rate(&loaded.deals, request, &loaded.labels, session.context())
}

/// What the won opportunities were worth.
pub(crate) async fn won_value(session: &mut Session<'_>, request: &ClosedRequest) -> Result<Decision<WonValues>> {
    let loaded = Loaded::load(session, request.pipeline.as_deref(), request.group_by).await?;
    crate::insight::won_value::won_value(&loaded.deals, request, &loaded.labels, session.context())
}

/// How many days opportunities took from their start to their close.
pub(crate) async fn cycle_time(session: &mut Session<'_>, request: &ClosedRequest) -> Result<Decision<CycleTimes>> {
    let loaded = Loaded::load(session, request.pipeline.as_deref(), request.group_by).await?;
    crate::insight::cycle_time::cycle_time(&loaded.deals, request, &loaded.labels, session.context())
}

/// What the open opportunities may bring.
pub(crate) async fn forecast(session: &mut Session<'_>, request: &ForecastRequest) -> Result<Decision<Forecast>> {
    let loaded = Loaded::load(session, request.pipeline.as_deref(), None).await?;
    let book = match &request.price_book {
        Some(id) if request.policies.amount == AmountPolicy::ListPrice => {
            Some(session.need::<PriceBook>(id, "price_book").await?)
        }
        _ => None,
    };
    crate::insight::forecast::forecast(
        &loaded.deals,
        request,
        loaded.pipeline()?,
        book.as_ref().map(Prices::of).as_ref(),
        session.context(),
    )
}

/// One pipeline's opportunities, with the names of what they are grouped by.
struct Loaded {
    config: Arc<Config>,
    pipeline: String,
    deals: Deals,
    labels: Labels,
}

impl Loaded {
    async fn load(session: &mut Session<'_>, pipeline: Option<&str>, group_by: Option<GroupBy>) -> Result<Self> {
        let config = session.config().await?;
        let pipeline = config.pipeline(pipeline)?.id.clone();
        let tests = vec![Test::Prefix { index: Opportunity::BY_STAGE, prefix: KeyBytes::new().exact(&pipeline) }];
        let mut found = scan::<Opportunity>(session, tests).await?;
        // The key holds the folded and cut id, so another pipeline's may share it.
        found.retain(|opportunity| opportunity.pipeline == pipeline);
        let found: Vec<Opportunity> = found.into_iter().map(|o| moves::placed(o, &config.pipelines)).collect();
        let mut deals = Deals::of(&found, &session.context().zone()?)?;
        let labels = match group_by {
            Some(GroupBy::Owner) => names(scan::<User>(session, Vec::new()).await?, |user| user.name),
            Some(GroupBy::Product) => names(scan::<Product>(session, Vec::new()).await?, |product| product.name),
            Some(GroupBy::Account) => names(scan::<Account>(session, Vec::new()).await?, |account| account.name),
            Some(GroupBy::Manager | GroupBy::Team) => {
                let users = scan::<User>(session, Vec::new()).await?;
                let by_id: BTreeMap<&str, &User> = order::map(users.iter().map(|user| (user.id.as_str(), user)));
                deals.teams(|owner| {
                    let user = by_id.get(owner);
                    (user.and_then(|u| u.manager.as_ref()).map(|id| id.as_str()), user.and_then(|u| u.team.as_deref()))
                });
                if group_by == Some(GroupBy::Manager) { names(users, |user| user.name) } else { Labels::new() }
            }
            Some(GroupBy::Source | GroupBy::Month | GroupBy::Quarter) | None => Labels::new(),
        };
        Ok(Loaded { config, pipeline, deals, labels })
    }

    fn pipeline(&self) -> Result<&Pipeline> {
        let all = &self.config.pipelines;
        all.iter().find(|p| p.id == self.pipeline).ok_or_else(|| {
            let hint = hint(&self.pipeline, all.iter().map(|p| p.id.as_str()));
            Error::new(Code::UnknownPipeline).with("pipeline", self.pipeline.clone()).with("hint", hint)
        })
    }
}

fn names<E: Entity>(entities: Vec<E>, name: fn(E) -> String) -> Labels {
    order::map(entities.into_iter().map(|entity| (entity.id().as_str().to_owned(), name(entity))))
}

/// Reads every record of a kind that passes some tests, a page at a time.
///
/// # Errors
/// `too_many_items` beyond the scan limit.
async fn scan<E: Entity>(session: &mut Session<'_>, tests: Vec<Test>) -> Result<Vec<E>> {
    let mut query = Query::of(&session.context().tenant, E::KIND, limits::PAGE);
    query.tests = tests;
    let mut found: Vec<E> = Vec::new();
    loop {
        let (page, next) = session.find::<E>(&query).await?;
        found.extend(page);
        limits::items(found.len(), limits::SCAN, "")?;
        match next {
            Some(after) => query.after = Some(after),
            None => return Ok(found),
        }
    }
}

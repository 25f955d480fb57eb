//! Opportunities: create, update, get, find, and the moves through the pipeline.

use serde_json::Value;

use super::custom;
use super::records::{self, ById, Search, beginning, prefix};
use super::searching::{self, Where, begins, equals, refers};
use super::session::Session;
use crate::base::canonical::Fields;
use crate::base::codes::Code;
use crate::base::decision::Decision;
use crate::base::entity::{Entity, Set};
use crate::base::error::Result;
use crate::base::id::Id;
use crate::base::reason::Reason;
use crate::base::record::KeyBytes;
use crate::base::time::Instant;
use crate::config::Config;
use crate::customers::account::Account;
use crate::people::user::User;
use crate::pipeline::definition::StageKind;
use crate::pipeline::history::{History, history as stays};
use crate::pipeline::moves;
use crate::pipeline::opportunity::Opportunity;
use crate::pipeline::requests::{
    AdvanceRequest, FindOpportunities, LoseRequest, NewOpportunity, OpportunityPage, OpportunityUpdate, ReopenRequest,
    Requirements, RequirementsRequest, WinRequest,
};
use crate::pricing::product::Product;

/// Creates an opportunity in an open stage.
pub(crate) async fn create(session: &mut Session<'_>, request: &NewOpportunity) -> Result<Decision<Opportunity>> {
    session.refer::<Account>(request.account.as_ref(), "account").await?;
    session.refer::<User>(request.owner.as_ref(), "owner").await?;
    session.refer::<Product>(request.product.as_ref(), "product").await?;
    let config = session.config().await?;
    let pipeline = config.pipeline(request.pipeline.as_deref())?;
    let stage = match request.stage.as_deref() {
        Some(id) => pipeline.stage(id).map_err(|e| e.at("stage"))?,
        None => pipeline.first(StageKind::Open)?,
    };
    let moment = session.moment(request.effective_at, None)?;
    let new = Opportunity {
        id: session.new_id(request.id.clone())?,
        version: 0,
        name: request.name.clone(),
        pipeline: pipeline.id.clone(),
        stage: stage.id.clone(),
        status: stage.kind,
        probability: None,
        account: request.account.clone(),
        owner: request.owner.clone(),
        product: request.product.clone(),
        amount: request.amount,
        currency: request.currency.or(if request.amount.is_some() { config.currency } else { None }),
        expected_close: request.expected_close,
        closed_on: None,
        lost_reason: None,
        source: request.source.clone(),
        next_step: request.next_step.clone(),
        description: request.description.clone(),
        history: Vec::new(),
        custom: request.custom.clone(),
        created_at: Some(moment.at),
        updated_at: Some(moment.at),
    };
    let mut started = moves::start(new, stage, &moment)?;
    custom::settle(session, None, &mut started).await?;
    let made = session.create(started).await?;
    let mut data = Fields::new();
    data.insert("stage".to_owned(), Value::String(made.stage.clone()));
    session.event("created", &made, moment.at, data)?;
    let reasons = session.reasons(|| {
        let created = Reason::new(Code::RecordCreated).with("kind", Opportunity::KIND).with("id", made.id.as_str());
        [created, probability_reason(&made)]
    });
    Ok(Decision::new(made, reasons))
}

/// Changes an opportunity's fields; its stage is changed by moves alone.
pub(crate) async fn update(session: &mut Session<'_>, request: &OpportunityUpdate) -> Result<Decision<Opportunity>> {
    if let Set::To(id) = &request.account {
        session.refer::<Account>(Some(id), "account").await?;
    }
    if let Set::To(id) = &request.owner {
        session.refer::<User>(Some(id), "owner").await?;
    }
    if let Set::To(id) = &request.product {
        session.refer::<Product>(Some(id), "product").await?;
    }
    if matches!(request.amount, Set::To(_)) && request.currency.is_keep() {
        let old = session.need::<Opportunity>(&request.id, "id").await?;
        if let (None, Some(currency)) = (old.currency, session.config().await?.currency) {
            let mut request = request.clone();
            request.currency = Set::To(currency);
            return records::update(session, &request).await;
        }
    }
    records::update(session, request).await
}

/// Reads an opportunity.
pub(crate) async fn get(session: &mut Session<'_>, request: &ById) -> Result<Decision<Opportunity>> {
    records::get(session, request).await
}

/// Reads a page of opportunities.
pub(crate) async fn find(session: &mut Session<'_>, request: &FindOpportunities) -> Result<Decision<OpportunityPage>> {
    if request.r#where.is_some() || request.order.is_some() {
        return search(session, request).await;
    }
    let mut tests = Vec::new();
    let mut order = Opportunity::BY_NAME;
    let key = KeyBytes::new;
    if let Some(text) = request.name_prefix.as_deref() {
        tests.push(prefix(Opportunity::BY_NAME, beginning(text)));
    }
    if let Some(account) = &request.account {
        tests.push(prefix(Opportunity::BY_ACCOUNT, key().id(Some(account))));
    }
    if request.pipeline.is_some() || request.stage.is_some() {
        let config = session.config().await?;
        let pipeline = config.pipeline(request.pipeline.as_deref())?;
        let start = key().exact(&pipeline.id);
        tests.push(prefix(Opportunity::BY_STAGE, request.stage.as_deref().map_or(start.clone(), |s| start.exact(s))));
        order = if request.stage.is_some() { Opportunity::BY_STAGE } else { order };
    }
    if let Some(owner) = &request.owner {
        let start = key().id(Some(owner));
        tests.push(prefix(Opportunity::BY_OWNER, request.stage.as_deref().map_or(start.clone(), |s| start.exact(s))));
        order = if request.stage.is_some() { Opportunity::BY_OWNER } else { order };
    }
    if let Some(status) = request.status {
        let start = key().text(Some(status.name()));
        tests.push(prefix(Opportunity::BY_STATUS, request.owner.as_ref().map_or(start.clone(), |o| start.id(Some(o)))));
        order = if request.owner.is_some() && request.stage.is_none() { Opportunity::BY_STATUS } else { order };
    }
    let search = Search { tests, order: Some(order) };
    let (items, cursor) = records::find(session, search, request.limit, request.cursor.as_deref()).await?;
    Ok(Decision::plain(OpportunityPage { items, cursor }))
}

/// Reads a page of the opportunities that meet a condition.
async fn search(session: &mut Session<'_>, request: &FindOpportunities) -> Result<Decision<OpportunityPage>> {
    let mut filters: Vec<_> =
        request.name_prefix.as_deref().and_then(|text| begins("name", text)).into_iter().collect();
    if request.pipeline.is_some() || request.stage.is_some() {
        let config = session.config().await?;
        filters.push(equals("pipeline", &config.pipeline(request.pipeline.as_deref())?.id));
    }
    filters.extend(request.account.as_ref().map(|id| refers("account", id)));
    filters.extend(request.owner.as_ref().map(|id| refers("owner", id)));
    filters.extend(request.stage.as_deref().map(|stage| equals("stage", stage)));
    filters.extend(request.status.map(|status| equals("status", status.name())));
    let (condition, order) = (request.r#where.as_ref(), request.order.as_ref());
    let asked = Where { filters, condition, order, limit: request.limit, cursor: request.cursor.as_deref() };
    let (items, cursor, reasons) = searching::find(session, asked).await?;
    Ok(Decision::new(OpportunityPage { items, cursor }, reasons))
}

/// Says what a move would need.
pub(crate) async fn requirements(
    session: &mut Session<'_>,
    request: &RequirementsRequest,
) -> Result<Decision<Requirements>> {
    let (opportunity, config) = load(session, &request.id).await?;
    let (needs, reasons) =
        moves::requirements(&opportunity, config.pipeline(Some(&opportunity.pipeline))?, &request.to)?;
    Ok(Decision::new(needs, reasons))
}

/// Reads an opportunity and the configuration; its status is what the configuration says of its stage.
async fn load(session: &mut Session<'_>, id: &Id) -> Result<(Opportunity, std::sync::Arc<Config>)> {
    let opportunity = session.need::<Opportunity>(id, "id").await?;
    let config = session.config().await?;
    let placed = moves::placed(opportunity, &config.pipelines);
    Ok((placed, config))
}

/// Moves an open opportunity to another open stage.
pub(crate) async fn advance(session: &mut Session<'_>, request: &AdvanceRequest) -> Result<Decision<Opportunity>> {
    let (old, config) = load(session, &request.id).await?;
    let moment = session.moment(request.effective_at, old.stage_since())?;
    let moved = moves::advance(&old, config.pipeline(Some(&old.pipeline))?, &request.to, &moment)?;
    let reasons = vec![moved_reason(&old, &moved), probability_reason(&moved)];
    finish_move(session, "stage_moved", &old, &moved, moment.at, reasons)
}

/// Closes an open opportunity as won.
pub(crate) async fn win(session: &mut Session<'_>, request: &WinRequest) -> Result<Decision<Opportunity>> {
    let (old, config) = load(session, &request.id).await?;
    let moment = session.moment(request.effective_at, old.stage_since())?;
    let mut priced = old.clone();
    if request.amount.is_some() {
        priced.amount = request.amount;
        priced.currency = old.currency.or(config.currency);
    }
    let won = moves::win(&priced, config.pipeline(Some(&old.pipeline))?, request.stage.as_deref(), &moment)?;
    let reasons = vec![Reason::new(Code::OpportunityWon).with("id", won.id.as_str()), moved_reason(&old, &won)];
    finish_move(session, "won", &old, &won, moment.at, reasons)
}

/// Closes an open opportunity as lost, with the reason.
pub(crate) async fn lose(session: &mut Session<'_>, request: &LoseRequest) -> Result<Decision<Opportunity>> {
    let (old, config) = load(session, &request.id).await?;
    let moment = session.moment(request.effective_at, old.stage_since())?;
    let pipeline = config.pipeline(Some(&old.pipeline))?;
    let lost = moves::lose(&old, pipeline, request.stage.as_deref(), &request.reason, &config.lost_reasons, &moment)?;
    let why = Reason::new(Code::OpportunityLost).with("id", lost.id.as_str()).with("reason", request.reason.clone());
    let reasons = vec![why, moved_reason(&old, &lost)];
    finish_move(session, "lost", &old, &lost, moment.at, reasons)
}

/// Opens a won or lost opportunity again.
pub(crate) async fn reopen(session: &mut Session<'_>, request: &ReopenRequest) -> Result<Decision<Opportunity>> {
    let (old, config) = load(session, &request.id).await?;
    let moment = session.moment(request.effective_at, old.stage_since())?;
    let opened = moves::reopen(&old, config.pipeline(Some(&old.pipeline))?, request.to.as_deref(), &moment)?;
    let why = Reason::new(Code::OpportunityReopened).with("id", opened.id.as_str()).with("to", opened.stage.clone());
    let reasons = vec![why, probability_reason(&opened)];
    finish_move(session, "reopened", &old, &opened, moment.at, reasons)
}

/// Lists the stages an opportunity was in, with the time spent in each.
pub(crate) async fn history(session: &mut Session<'_>, request: &ById) -> Result<Decision<History>> {
    let opportunity = session.need::<Opportunity>(&request.id, "id").await?;
    Ok(Decision::plain(stays(&opportunity, session.context().now()?)))
}

fn finish_move(
    session: &mut Session<'_>,
    what: &str,
    old: &Opportunity,
    new: &Opportunity,
    at: Instant,
    reasons: Vec<Reason>,
) -> Result<Decision<Opportunity>> {
    let saved = session.save(old, new)?;
    let mut data = Fields::new();
    data.insert("from".to_owned(), Value::String(old.stage.clone()));
    data.insert("to".to_owned(), Value::String(saved.stage.clone()));
    if let Some(reason) = saved.lost_reason.as_ref().filter(|_| saved.status == StageKind::Lost) {
        data.insert("reason".to_owned(), Value::String(reason.clone()));
    }
    if let Some(amount) = saved.amount.filter(|_| saved.status == StageKind::Won) {
        data.insert("amount".to_owned(), Value::String(amount.to_string()));
    }
    session.event(what, &saved, at, data)?;
    Ok(Decision::new(saved, reasons))
}

fn moved_reason(old: &Opportunity, new: &Opportunity) -> Reason {
    Reason::new(Code::StageMoved)
        .with("id", new.id.as_str())
        .with("from", old.stage.clone())
        .with("to", new.stage.clone())
}

fn probability_reason(opportunity: &Opportunity) -> Reason {
    let percent = opportunity.probability.unwrap_or_default().normalized();
    Reason::new(Code::ProbabilityFromStage).show("probability", percent).with("stage", opportunity.stage.clone())
}

//! The tick: what is due in a store, each occurrence decided and committed by itself.
//!
//! Several tickers may run at once, and after any downtime: the commit of an occurrence names when its timer was due, and the store
//! refuses it once the timer is not due exactly then any more.

use serde::{Deserialize, Serialize};

use super::intents::{ATTEMPTS, pause};
use super::run::{self, Frame, Job};
use super::session::Session;
use super::timers::{self, FireTimer, FiredTimer, TimerOutcome};
use crate::base::change::{StoredTimer, TenantDue};
use crate::base::codes::Code;
use crate::base::decision::Decision;
use crate::base::error::{Error, Kind, Result};
use crate::base::json::{FromJson, ToJson};
use crate::base::limits;
use crate::base::reason::Reason;
use crate::base::time::Instant;
use crate::store::repository::{BoxFuture, Repository};

/// Asks for what is due to be carried out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TickRequest {
    /// At most so many timers, 1 to 1,000; 100 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// What a tick did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Ticked {
    /// How many rules were carried out.
    pub fired: u32,
    /// How many timers were moved, because their records are due later.
    pub moved: u32,
    /// How many timers were removed, because their records are gone or have nothing to be done.
    pub dropped: u32,
    /// How many failed; they are tried again later, and set aside after the fifth time.
    pub failed: u32,
    /// How many were left alone, because another ticker or a change of their record came first.
    pub left: u32,
    /// When the tenant's next timer is due; absent when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_due: Option<Instant>,
    /// Whether more is due now: tick again.
    pub more: bool,
}

/// Asks which tenants have timers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NextDueRequest {
    /// At most so many tenants, 1 to 1,000; 100 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// Which tenants have timers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NextDue {
    /// The tenants, each with the time of its first timer, earliest first.
    pub items: Vec<TenantDue>,
}

fn limited(limit: Option<u32>) -> Result<usize> {
    let wanted = limit.map_or(Ok(100), usize::try_from).unwrap_or(usize::MAX);
    if (1..=limits::PAGE).contains(&wanted) {
        return Ok(wanted);
    }
    let error = Error::new(Code::NumberOutOfRange).with("value", limit.unwrap_or(0)).with("minimum", 1);
    Err(error.with("maximum", limits::PAGE).at("limit"))
}

/// Says which tenants have timers, across all of them.
pub(crate) async fn next_due(
    repository: &dyn Repository,
    _: Frame<'_>,
    request: &NextDueRequest,
) -> Result<Decision<NextDue>> {
    Ok(Decision::plain(NextDue { items: repository.next_due(limited(request.limit)?).await? }))
}

/// Carries out what is due.
pub(crate) async fn tick(
    repository: &dyn Repository,
    frame: Frame<'_>,
    request: &TickRequest,
) -> Result<Decision<Ticked>> {
    let (now, seed) = (frame.context.now()?, frame.context.seed()?);
    let (tenant, limit) = (frame.context.tenant.as_str(), limited(request.limit)?);
    let (mut ticked, mut reasons) = (Ticked::default(), Vec::new());
    for timer in repository.due(tenant, now, limit).await? {
        let mut context = frame.context.clone();
        // Each occurrence derives ids of its own.
        context.seed = Some(format!("{seed}/{}/{}/{}/{}", timer.key.kind, timer.key.id, timer.rule, timer.due));
        let frame =
            Frame { operation: "timers.fire", context: &context, idempotency: None, expect_version: None, ..frame };
        let count = match run::run(repository, frame, &Fire::of(&timer)).await {
            Ok(Decision { value: FiredTimer { outcome, .. }, .. }) => match outcome {
                TimerOutcome::Fired => &mut ticked.fired,
                TimerOutcome::Moved => &mut ticked.moved,
                TimerOutcome::Dropped => &mut ticked.dropped,
            },
            Err(error) if is_race(&error) => &mut ticked.left,
            // The store is in trouble, not the timer.
            Err(error) if error.kind() == Kind::Storage && error.retryable() => return Err(error),
            Err(error) => match run::run(repository, frame, &Postpone { timer: &timer, error: &error, now }).await {
                Ok(postponed) => {
                    reasons.extend(postponed.reasons);
                    &mut ticked.failed
                }
                Err(error) if is_race(&error) => &mut ticked.left,
                Err(error) => return Err(error),
            },
        };
        *count = count.saturating_add(1);
    }
    ticked.next_due = repository.due(tenant, Instant::last(), 1).await?.first().map(|timer| timer.due);
    ticked.more = ticked.next_due.is_some_and(|due| due <= now);
    Ok(Decision::new(ticked, reasons))
}

fn is_race(error: &Error) -> bool {
    error.id() == Code::VersionConflict
}

/// One occurrence, carried out.
struct Fire(FireTimer);

impl Fire {
    fn of(timer: &StoredTimer) -> Self {
        let (kind, id) = (timer.key.kind.clone(), timer.key.id.clone());
        Fire(FireTimer { kind, id, rule: timer.rule.clone(), due: timer.due })
    }
}

impl Job<FiredTimer> for Fire {
    fn decide<'s>(&'s self, session: &'s mut Session<'_>) -> BoxFuture<'s, Result<Decision<FiredTimer>>> {
        Box::pin(timers::fire(session, &self.0))
    }
}

/// One occurrence that failed: moved, with a growing pause, and in the end set aside.
struct Postpone<'a> {
    timer: &'a StoredTimer,
    error: &'a Error,
    now: Instant,
}

impl Job<FiredTimer> for Postpone<'_> {
    fn decide<'s>(&'s self, session: &'s mut Session<'_>) -> BoxFuture<'s, Result<Decision<FiredTimer>>> {
        Box::pin(async move {
            let StoredTimer { key, rule, due, failures } = self.timer;
            let failures = failures.saturating_add(1);
            let next = (failures < ATTEMPTS).then(|| self.now.plus_seconds(pause(failures)));
            session.fire_timer(key.clone(), rule, *due, next, if next.is_some() { failures } else { 0 });
            let code = if next.is_some() { Code::TimerFailed } else { Code::TimerSetAside };
            let reason = timers::about(code, &key.kind, &key.id, rule);
            let reason: Reason = reason.with("failures", failures).with("error", self.error.code());
            let (outcome, reason) = match next {
                Some(next) => (TimerOutcome::Moved, reason.show("due", next)),
                None => {
                    timers::set_aside(session, key, rule, failures, self.error).await?;
                    (TimerOutcome::Dropped, reason)
                }
            };
            Ok(Decision::new(FiredTimer { outcome, due: next }, vec![reason]))
        })
    }
}

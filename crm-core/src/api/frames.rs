//! Figures over frames: the same operations, asked of Arrow batches in place of a store.
//!
//! A request is that of the operation, with one more field `frame` that says how the table is to be read; the answer has one more
//! field `frame` that says how it was read.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_array::RecordBatch;

use super::request::{Request, decode, refuse};
use super::shape::{self, Shape, optional, required};
use super::table::names;
use crate::base::codes::Code;
use crate::base::decision::Decision;
use crate::base::error::{Error, Result};
use crate::base::hint::near_or;
use crate::base::json::{Json, ToJson};
use crate::base::reason::Reason;
use crate::base::text::{clip, suggest};
use crate::base::writer;
use crate::config::Config;
use crate::insight::closed::ClosedRequest;
use crate::insight::cycle_time::cycle_time;
use crate::insight::forecast::{AmountPolicy, ClosePolicy, ForecastRequest, ProbabilityPolicy, forecast};
use crate::insight::frames::mapping::Field;
use crate::insight::frames::options::FrameOptions;
use crate::insight::frames::read::{Frame, Read};
use crate::insight::frames::report::FrameReport;
use crate::insight::frames::snapshot;
use crate::insight::funnel::{FunnelRequest, funnel};
use crate::insight::group::{GroupBy, Labels};
use crate::insight::win_rate::win_rate;
use crate::insight::won_value::won_value;
use crate::pipeline::definition::{Pipeline, StageKind};

/// The operations that a frame can answer.
const OPERATIONS: &[&str] =
    &["insight.funnel", "insight.win_rate", "insight.won_value", "insight.cycle_time", "insight.forecast"];

/// Answers a request over the batches of one table; a table without rows is one empty batch, which names the columns.
pub fn answer(request: &str, batches: &[RecordBatch]) -> String {
    // A panic is a defect of ours and must not take the host down.
    catch_unwind(AssertUnwindSafe(|| ask(request, batches)))
        .unwrap_or_else(|_| Err(Error::new(Code::InternalError).with("reason", "a panic")))
        .unwrap_or_else(|error| refuse(&error))
}

#[derive(ToJson)]
struct Answer<T> {
    ok: bool,
    value: T,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<Reason>,
    frame: FrameReport,
}

/// Everything that answering needs.
struct Asked<'a> {
    request: Request<'a>,
    config: Option<Config>,
    frame: Frame<'a>,
}

fn ask(text: &str, batches: &[RecordBatch]) -> Result<String> {
    let (rest, options) = split(text)?;
    let request = Request::read(&rest)?;
    let config =
        request.config.map(|raw| decode::<Config>("config", raw.get()).map_err(|e| e.at("config"))).transpose()?;
    if let Some(config) = &config {
        config.check().map_err(|e| e.at("config"))?;
    }
    let currency = options.currency.or(config.as_ref().and_then(|c| c.currency));
    let options = FrameOptions { currency, ..options };
    let frame = Frame::new(batches, &options, request.context.zone()?)?;
    let asked = Asked { request, config, frame };
    match asked.request.op.as_ref() {
        "insight.funnel" => asked.funnel(),
        "insight.win_rate" => asked.closed(&[Field::ClosedOn], &[], |request, read, labels, context| {
            win_rate(&read.deals, request, labels, context)
        }),
        "insight.won_value" => {
            asked.closed(&[Field::ClosedOn, Field::Amount], &[Field::Amount], |request, read, labels, context| {
                won_value(&read.deals, request, labels, context)
            })
        }
        "insight.cycle_time" => asked.closed(
            &[Field::Start, Field::ClosedOn],
            &[Field::Start, Field::ClosedOn],
            |request, read, labels, context| cycle_time(&read.deals, request, labels, context),
        ),
        "insight.forecast" => asked.forecast(),
        other => Err(unknown(other)),
    }
}

fn unknown(op: &str) -> Error {
    let all = Reason::new(Code::FrameAnswers).with("known", OPERATIONS.to_vec());
    if names().any(|known| known == op) {
        return Error::new(Code::UnknownOperation).with("op", clip(op)).with("hint", all).at("op");
    }
    let hint = suggest(op, OPERATIONS.iter().copied()).map_or(all, |near| near_or(Some(near), Code::FrameAnswers));
    Error::new(Code::UnknownOperation).with("op", clip(op)).with("hint", hint).at("op")
}

/// Takes `frame` out of a request.
fn split(text: &str) -> Result<(String, FrameOptions)> {
    let parsed = crate::base::reader::from_str::<std::collections::BTreeMap<String, Json>>(text);
    // What is not even an object is refused by the reader of requests, in its words.
    let Ok(mut fields) = parsed else { return Ok((text.to_owned(), FrameOptions::default())) };
    let options = match fields.remove("frame") {
        Some(raw) => crate::base::reader::from_str(raw.get())
            .map_err(|e| shape::explain(raw.get(), Some(&OPTIONS), &e).at("frame"))?,
        None => FrameOptions::default(),
    };
    Ok((writer::to_string(&fields, 0), options))
}

impl Asked<'_> {
    fn finish<T: ToJson>(&self, decision: Decision<T>, frame: FrameReport) -> Result<String> {
        let reasons = Reason::trim(decision.reasons, self.request.explain);
        let answer = Answer { ok: true, value: decision.value, reasons, frame };
        Ok(writer::to_string(&answer, 0))
    }

    /// The configured pipeline, when the request carries a configuration.
    fn configured(&self, named: Option<&str>) -> Result<Option<&Pipeline>> {
        match (&self.config, named) {
            (Some(config), named) => config.pipeline(named).map(Some),
            (None, Some(_)) => Err(Error::new(Code::MissingField).with("field", "config").at("config")),
            (None, None) => Ok(None),
        }
    }

    fn read(
        &self,
        fields: &[Field],
        needed: &[Field],
        group_by: Option<GroupBy>,
        pipeline: Option<&str>,
    ) -> Result<Read> {
        let grouped = group_by.and_then(column);
        needed.iter().chain(&grouped).try_for_each(|field| self.frame.mapping.need(*field).map(drop))?;
        let wanted: BTreeSet<Field> = fields.iter().chain(&grouped).copied().collect();
        self.frame.read(&wanted.into_iter().collect::<Vec<_>>(), self.configured(pipeline)?)
    }

    fn funnel(&self) -> Result<String> {
        let request: FunnelRequest = decode("insight.funnel", self.request.input())?;
        let pipeline = request.pipeline.as_deref();
        if request.group_by.is_none() && snapshot::applies(&self.frame) {
            let (decision, report) = snapshot::funnel(&self.frame, self.configured(pipeline)?, &self.request.context)?;
            return self.finish(decision, report);
        }
        let dated = matches!(request.group_by, Some(GroupBy::Month | GroupBy::Quarter));
        let needed: &[Field] = if dated { &[Field::Start] } else { &[] };
        let read = self.read(&[Field::Amount, Field::Start], needed, request.group_by, pipeline)?;
        let decision = funnel(&read.deals, &request, &read.pipeline, &Labels::new(), &self.request.context)?;
        self.finish(decision, read.report)
    }

    fn closed<T: ToJson>(
        &self,
        fields: &[Field],
        needed: &[Field],
        figure: impl Fn(&ClosedRequest, &Read, &Labels, &crate::base::context::Context) -> Result<Decision<T>>,
    ) -> Result<String> {
        let request: ClosedRequest = decode(&self.request.op, self.request.input())?;
        let windowed = request.closed_from.is_some() || request.closed_to.is_some();
        let dated = windowed || matches!(request.group_by, Some(GroupBy::Month | GroupBy::Quarter));
        let mut needed = needed.to_vec();
        if dated && !needed.contains(&Field::ClosedOn) {
            needed.push(Field::ClosedOn);
        }
        let read = self.read(fields, &needed, request.group_by, request.pipeline.as_deref())?;
        let decision = figure(&request, &read, &Labels::new(), &self.request.context)?;
        self.finish(decision, read.report)
    }

    fn forecast(&self) -> Result<String> {
        let request: ForecastRequest = decode("insight.forecast", self.request.input())?;
        let policies = request.policies;
        let mut fields = vec![Field::Amount, Field::ExpectedClose];
        let mut needed = Vec::new();
        let mut need = |condition: bool, field: Field| {
            if condition {
                fields.push(field);
                needed.push(field);
            }
        };
        need(policies.close == ClosePolicy::MedianCycle, Field::Start);
        need(policies.close == ClosePolicy::MedianCycle, Field::ClosedOn);
        need(
            policies.amount == AmountPolicy::ListPrice || policies.probability == ProbabilityPolicy::HistoricWinRate,
            Field::Product,
        );
        need(policies.amount == AmountPolicy::None, Field::Amount);
        need(policies.close == ClosePolicy::None, Field::ExpectedClose);
        need(
            policies.probability == ProbabilityPolicy::Deal
                && self.config.is_none()
                && self.frame.options.stages.is_none(),
            Field::Probability,
        );
        let read = self.read(&fields, &needed, None, request.pipeline.as_deref())?;
        if policies.probability == ProbabilityPolicy::Stage {
            // Without a probability a deal would weigh nothing and nobody would see why.
            let open = read.pipeline.stages.iter().filter(|s| s.kind == StageKind::Open && s.probability.is_none());
            let bare =
                open.map(|s| Error::new(Code::StageWithoutProbability).with("stage", clip(&s.id)).at("frame.stages"));
            if let Some(error) = Error::all(bare.collect()) {
                return Err(error);
            }
        }
        let prices = match (&self.frame.options.prices, policies.amount) {
            (Some(prices), AmountPolicy::ListPrice) => Some(prices),
            (None, AmountPolicy::ListPrice) => {
                return Err(Error::new(Code::MissingField).with("field", "prices").at("frame.prices"));
            }
            _ => None,
        };
        let decision = forecast(&read.deals, &request, &read.pipeline, prices, &self.request.context)?;
        self.finish(decision, read.report)
    }
}

/// The field that a grouping reads, beside dates.
fn column(by: GroupBy) -> Option<Field> {
    match by {
        GroupBy::Owner => Some(Field::Owner),
        GroupBy::Manager => Some(Field::Manager),
        GroupBy::Team => Some(Field::Team),
        GroupBy::Product => Some(Field::Product),
        GroupBy::Account => Some(Field::Account),
        GroupBy::Source => Some(Field::Source),
        GroupBy::Month | GroupBy::Quarter => None,
    }
}

static STAGE: Shape = Shape::Object(&[
    required("id", &Shape::Text),
    optional("name", &Shape::Nullable(&Shape::Text)),
    optional("kind", &Shape::OneOf(&[StageKind::Open.name(), StageKind::Won.name(), StageKind::Lost.name()])),
    optional("probability", &Shape::Nullable(&Shape::Decimal)),
    optional("moves", &Shape::Nullable(&Shape::List(&Shape::Text))),
    optional("requires", &Shape::List(&Shape::Text)),
]);

static OPTIONS: Shape = Shape::Object(&[
    optional("columns", &Shape::Map(&Shape::Text)),
    optional("source", &Shape::Nullable(&Shape::OneOf(&["salesforce", "hubspot"]))),
    optional("guess", &Shape::Nullable(&Shape::Flag)),
    optional("currency", &Shape::Nullable(&Shape::Currency)),
    optional("rounding", &Shape::Nullable(&Shape::OneOf(MODES))),
    optional("dates", &Shape::Nullable(&Shape::OneOf(&["iso", "month_first", "day_first"]))),
    optional("probabilities", &Shape::Nullable(&Shape::OneOf(&["percent", "fraction"]))),
    optional("stages", &Shape::Nullable(&Shape::List(&STAGE))),
    optional(
        "prices",
        &Shape::Nullable(&Shape::Object(&[
            required("currency", &Shape::Currency),
            required("prices", &Shape::Map(&Shape::Decimal)),
        ])),
    ),
]);

const MODES: &[&str] = &[
    "floor",
    "ceiling",
    "toward_zero",
    "away_from_zero",
    "half_even",
    "half_odd",
    "half_away_from_zero",
    "half_toward_zero",
    "half_toward_positive_infinity",
    "half_toward_negative_infinity",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mode_is_known() {
        let names: Vec<&str> = crate::base::rounding::Mode::ALL.iter().map(|(_, name)| *name).collect();
        assert_eq!(names, MODES);
    }
}

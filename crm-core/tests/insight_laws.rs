//! Laws of the figures: groups and buckets add up to the totals, fractions lie between nothing and one, the order of the
//! opportunities does not matter.
#![cfg(feature = "store")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs
)]

use crm_core::base::context::Context;
use crm_core::base::currency::Currency;
use crm_core::base::decimal::Dec;
use crm_core::base::rounding::{Mode, round};
use crm_core::insight::closed::ClosedRequest;
use crm_core::insight::cycle_time::cycle_time;
use crm_core::insight::deals::Deals;
use crm_core::insight::forecast::{ForecastRequest, ProbabilityPolicy, forecast};
use crm_core::insight::funnel::{FunnelRequest, funnel};
use crm_core::insight::group::{GroupBy, Labels};
use crm_core::insight::win_rate::win_rate;
use crm_core::insight::won_value::won_value;
use crm_core::pipeline::definition::{Pipeline, StageKind};
use crm_core::pipeline::opportunity::Opportunity;
use proptest::prelude::*;
use serde_json::json;

const STAGES: [&str; 7] = ["prospecting", "qualification", "proposal", "negotiation", "won", "lost", "elsewhere"];
const GROUPS: [GroupBy; 7] = [
    GroupBy::Owner,
    GroupBy::Product,
    GroupBy::Account,
    GroupBy::Source,
    GroupBy::Month,
    GroupBy::Quarter,
    GroupBy::Manager,
];

fn kind(stage: &str) -> StageKind {
    match stage {
        "won" => StageKind::Won,
        "lost" => StageKind::Lost,
        _ => StageKind::Open,
    }
}

/// Opportunities of every sort: with and without history, amounts of several scales and currencies, dates in a few months.
fn opportunity() -> impl Strategy<Value = Opportunity> {
    let path = prop::collection::vec((0..7_usize, 0..90_i64), 0..6);
    let money = prop::option::of((0_i64..10_000_000, 0..4_u32, 0..2_usize));
    let names = (prop::option::of(0..3_u8), prop::option::of(0..3_u8));
    let days = (prop::option::of(0..200_i64), prop::option::of(0..200_i64), prop::option::of(0..1001_i64));
    (path, money, names, days).prop_map(|(path, money, (owner, product), (expected, closed, probability))| {
        let first = "2026-01-01".parse::<crm_core::base::time::Date>().unwrap();
        let mut day = 0;
        let history: Vec<_> = path
            .iter()
            .map(|(stage, days)| {
                day += days;
                let at = first.plus_days(day).unwrap().midnight_utc();
                json!({"stage": STAGES[*stage], "kind": kind(STAGES[*stage]), "entered_at": at, "recorded_at": at})
            })
            .collect();
        let stage = path.last().map_or("proposal", |(stage, _)| STAGES[*stage]);
        let mut body = json!({
            "id": "x", "name": "x", "pipeline": "sales", "stage": stage, "status": kind(stage), "history": history,
            "created_at": history.first().map(|h| h["entered_at"].clone()),
        });
        if let Some((digits, scale, currency)) = money {
            body["amount"] = json!(Dec::from_parts(digits.into(), scale).unwrap());
            body["currency"] = json!(["USD", "JPY"][currency]);
        }
        let mut put = |field: &str, value: Option<serde_json::Value>| body[field] = value.unwrap_or_default();
        put("owner", owner.map(|o| json!(format!("u{o}"))));
        put("product", product.map(|p| json!(format!("p{p}"))));
        put("expected_close", expected.map(|d| json!(first.plus_days(d - 60).unwrap())));
        put("closed_on", closed.filter(|_| kind(stage) != StageKind::Open).map(|d| json!(first.plus_days(d).unwrap())));
        put("probability", probability.map(|p| json!(Dec::from_parts(p.into(), 1).unwrap())));
        serde_json::from_value(body).unwrap()
    })
}

fn context() -> Context {
    Context { now: Some("2026-03-10T00:00:00Z".parse().unwrap()), ..Context::default() }
}

fn sum(amounts: impl Iterator<Item = Dec>) -> Dec {
    amounts.fold(Dec::ZERO, |total, amount| total.add(amount).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn groups_add_up(all in prop::collection::vec(opportunity(), 0..40), by in prop::sample::select(&GROUPS[..])) {
        let (deals, labels, context) = (Deals::of(&all, &"UTC".parse().unwrap()).unwrap(), Labels::new(), context());
        let pipeline = Pipeline::standard();
        let asked = ClosedRequest { group_by: Some(by), ..ClosedRequest::default() };

        let rates = win_rate(&deals, &asked, &labels, &context).unwrap().value;
        prop_assert_eq!(rates.groups.iter().map(|g| g.figures.won).sum::<u64>(), rates.total.won);
        prop_assert_eq!(rates.groups.iter().map(|g| g.figures.lost).sum::<u64>(), rates.total.lost);
        let closed = all.iter().filter(|o| o.status != StageKind::Open).count() as u64;
        prop_assert_eq!(rates.total.won + rates.total.lost + rates.left_out, closed);

        let values = won_value(&deals, &asked, &labels, &context).unwrap().value;
        prop_assert_eq!(values.groups.iter().map(|g| g.figures.count).sum::<u64>(), values.total.count);
        for value in &values.total.values {
            let mine = |currency: Currency| currency == value.currency;
            let parts = values.groups.iter().flat_map(|g| &g.figures.values).filter(|v| mine(v.currency));
            prop_assert_eq!(sum(parts.map(|v| v.sum)), value.sum);
            prop_assert!(value.min <= value.median && value.median <= value.max);
            let own = all.iter().filter(|o| o.status == StageKind::Won && o.currency.is_some_and(mine));
            prop_assert_eq!(sum(own.map(|o| o.amount.unwrap())), value.sum);
        }

        let cycle = cycle_time(&deals, &asked, &labels, &context).unwrap().value;
        prop_assert_eq!(cycle.total.won.count + cycle.total.lost.count, cycle.total.closed.count);
        prop_assert_eq!(cycle.total.closed.count + cycle.left_out, closed);

        let request = FunnelRequest { group_by: Some(by), ..FunnelRequest::default() };
        let funnel = funnel(&deals, &request, &pipeline, &labels, &context).unwrap().value;
        prop_assert_eq!(funnel.count + funnel.left_out, all.len() as u64);
        for (place, stage) in funnel.stages.iter().enumerate() {
            let parts = |pick: fn(&crm_core::insight::funnel::FunnelStage) -> u64| funnel.groups.iter().map(|g| pick(&g.stages[place])).sum::<u64>();
            prop_assert_eq!(parts(|s| s.count), stage.count);
            prop_assert_eq!(parts(|s| s.entered.unwrap_or(0)), stage.entered.unwrap_or(0));
            prop_assert!(stage.converted.unwrap_or(0) <= stage.entered.unwrap_or(0));
        }
    }

    #[test]
    fn a_forecast_keeps_every_deal_and_every_cent(all in prop::collection::vec(opportunity(), 0..40), months in 1..8_u32) {
        let (deals, context) = (Deals::of(&all, &"UTC".parse().unwrap()).unwrap(), context());
        let mut request = ForecastRequest { months: Some(months), ..ForecastRequest::default() };
        let pipeline = Pipeline::standard();
        let found = forecast(&deals, &request, &pipeline, None, &context).unwrap().value;
        let open: Vec<&Opportunity> = all.iter().filter(|o| o.status == StageKind::Open).collect();
        prop_assert_eq!(found.total.count, open.len() as u64);
        prop_assert_eq!(found.buckets.iter().map(|b| b.figures.count).sum::<u64>(), found.total.count);
        prop_assert_eq!(found.buckets.len() as u32, months + 3);
        for total in &found.total.values {
            let parts = || found.buckets.iter().flat_map(|b| &b.figures.values).filter(|v| v.currency == total.currency);
            prop_assert_eq!(sum(parts().map(|v| v.amount)), total.amount);
            prop_assert_eq!(sum(parts().map(|v| v.weighted)), total.weighted);
            // The same by plain multiplication, rounded once.
            let mine = open.iter().filter(|o| o.currency == Some(total.currency));
            let percent = |o: &Opportunity| o.probability.unwrap_or_else(|| pipeline.stage(&o.stage).map_or(Dec::ZERO, |s| s.percent()));
            let exact = sum(mine.map(|o| o.amount.unwrap().mul(percent(o)).unwrap().hundredth().unwrap()));
            prop_assert_eq!(round(exact, total.currency.increment().unwrap(), Mode::HalfAwayFromZero).unwrap(), total.weighted);
        }
        request.policies.probability = ProbabilityPolicy::HistoricWinRate;
        let historic = forecast(&deals, &request, &pipeline, None, &context).unwrap().value;
        for total in &historic.total.values {
            let parts = historic.buckets.iter().flat_map(|b| &b.figures.values).filter(|v| v.currency == total.currency);
            prop_assert_eq!(sum(parts.map(|v| v.weighted)), total.weighted);
            prop_assert!(!total.weighted.is_negative());
        }
    }

    #[test]
    fn the_order_of_the_opportunities_does_not_matter(all in prop::collection::vec(opportunity(), 0..40), by in prop::sample::select(&GROUPS[..])) {
        let (labels, context, pipeline) = (Labels::new(), context(), Pipeline::standard());
        let figures = |all: &[Opportunity]| {
            let deals = Deals::of(all, &"UTC".parse().unwrap()).unwrap();
            let asked = ClosedRequest { group_by: Some(by), ..ClosedRequest::default() };
            let request = FunnelRequest { group_by: Some(by), ..FunnelRequest::default() };
            (
                funnel(&deals, &request, &pipeline, &labels, &context).unwrap().value,
                win_rate(&deals, &asked, &labels, &context).unwrap().value,
                won_value(&deals, &asked, &labels, &context).unwrap().value,
                cycle_time(&deals, &asked, &labels, &context).unwrap().value,
                forecast(&deals, &ForecastRequest::default(), &pipeline, None, &context).unwrap().value,
            )
        };
        let mut turned = all.clone();
        turned.reverse();
        prop_assert_eq!(figures(&all), figures(&turned));
    }
}

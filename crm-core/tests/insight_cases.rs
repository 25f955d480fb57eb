//! Every worked case of pipeline aggregates in `tests/cases`, over the 8,800 deals of `examples/data`.
#![cfg(feature = "store")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use crm_core::base::context::Context;
use crm_core::base::decimal::Dec;
use crm_core::base::id::Id;
use crm_core::base::rounding::{Mode, round};
use crm_core::base::time::Date;
use crm_core::insight::closed::ClosedRequest;
use crm_core::insight::cycle_time::{DayFigures, cycle_time};
use crm_core::insight::deals::Deals;
use crm_core::insight::forecast::{
    AmountPolicy, ForecastPolicies, ForecastRequest, Prices, ProbabilityPolicy, forecast,
};
use crm_core::insight::funnel::{Basis, FunnelRequest, funnel};
use crm_core::insight::group::{GroupBy, Labels};
use crm_core::insight::win_rate::{WinRate, win_rate};
use crm_core::insight::won_value::{WonValue, won_value};
use crm_core::pipeline::definition::{Pipeline, StageKind};
use crm_core::pipeline::opportunity::{Opportunity, StageEntry};
use serde_json::{Value, json};

/// The rows of a table without its header; no cell of these files is quoted.
fn table(bytes: &[u8]) -> Vec<Vec<String>> {
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes).read_to_string(&mut text).unwrap();
    text.lines().skip(1).map(|line| line.trim_end_matches('\r').split(',').map(str::to_owned).collect()).collect()
}

/// An id from a name: ids hold no spaces.
fn id(name: &str) -> Id {
    Id::new(&name.replace(' ', "_")).unwrap()
}

fn opportunity(row: &[String]) -> Opportunity {
    let date = |text: &str| if text.is_empty() { None } else { Some(text.parse::<Date>().unwrap()) };
    let (engaged, closed) = (date(&row[5]), date(&row[6]));
    let status = match row[4].as_str() {
        "Won" => StageKind::Won,
        "Lost" => StageKind::Lost,
        _ => StageKind::Open,
    };
    let entry = |stage: &str, kind, date: Date| {
        let at = date.midnight_utc();
        StageEntry { stage: stage.to_owned(), kind, entered_at: at, recorded_at: at, actor: None }
    };
    let mut history: Vec<StageEntry> =
        engaged.map(|date| entry("Engaging", StageKind::Open, date)).into_iter().collect();
    history.extend(closed.map(|date| entry(&row[4], status, date)));
    let body = json!({
        "id": row[0], "name": row[0], "pipeline": "hardware", "stage": row[4], "status": status,
        "owner": id(&row[1]), "product": id(&row[2]), "currency": "USD",
    });
    let known = Opportunity { history, closed_on: closed, ..serde_json::from_value(body).unwrap() };
    Opportunity {
        account: if row[3].is_empty() { None } else { Some(id(&row[3])) },
        amount: if row[7].is_empty() { None } else { Some(row[7].parse().unwrap()) },
        created_at: engaged.map(Date::midnight_utc),
        ..known
    }
}

fn deals() -> Deals {
    let rows = table(include_bytes!("../../examples/data/sales_pipeline.csv.gz"));
    let opportunities: Vec<Opportunity> = rows.iter().map(|row| opportunity(row)).collect();
    let mut deals = Deals::of(&opportunities, &"UTC".parse().unwrap()).unwrap();
    let teams = table(include_bytes!("../../examples/data/sales_teams.csv.gz"));
    let by_agent: BTreeMap<String, &Vec<String>> = teams.iter().map(|row| (id(&row[0]).to_string(), row)).collect();
    deals.teams(|agent| {
        let row = by_agent[agent];
        (Some(row[1].as_str()), Some(row[2].as_str()))
    });
    deals
}

fn pipeline() -> Pipeline {
    serde_json::from_value(json!({"id": "hardware", "stages": [
        {"id": "Prospecting", "probability": "10"}, {"id": "Engaging", "probability": "50"},
        {"id": "Won", "kind": "won"}, {"id": "Lost", "kind": "lost"},
    ]}))
    .unwrap()
}

/// The list prices; the pipeline file writes `GTXPro` where the product list writes `GTX Pro`.
fn prices(mended: bool) -> Prices {
    let name = |name: &str| if mended { name.replace("GTX Pro", "GTXPro") } else { name.to_owned() };
    let rows = table(include_bytes!("../../examples/data/products.csv.gz"));
    let prices = rows.iter().map(|row| (id(&name(&row[0])).to_string(), row[2].parse().unwrap())).collect();
    Prices { currency: "USD".parse().unwrap(), prices }
}

fn same(found: Dec, expected: &Value) {
    assert_eq!(found, expected.as_str().unwrap().parse().unwrap());
}

/// Compares what a case expects of won count, won revenue, lost count and win rate.
fn closed(expect: &Value, rate: Option<&WinRate>, value: &WonValue) {
    for (field, expected) in expect.as_object().unwrap() {
        match field.as_str() {
            "won_count" => assert_eq!(value.count, expected.as_u64().unwrap()),
            "won_revenue" => same(value.values[0].sum, expected),
            "lost_count" => assert_eq!(rate.unwrap().lost, expected.as_u64().unwrap()),
            "win_rate" => {
                let part = rate.unwrap().rate.percent.unwrap().hundredth().unwrap();
                same(round(part, "0.000001".parse().unwrap(), Mode::HalfAwayFromZero).unwrap(), expected);
            }
            other => panic!("unknown figure {other}"),
        }
    }
}

fn days(expect: &Value, figures: &DayFigures) {
    same(figures.mean.unwrap(), &expect["mean"]);
    same(figures.median.unwrap(), &expect["median"]);
    assert_eq!(figures.min, expect["min"].as_i64());
    assert_eq!(figures.max, expect["max"].as_i64());
    assert_eq!(Some(figures.count), expect["count"].as_u64());
}

fn engaging(policies: ForecastPolicies) -> ForecastRequest {
    let as_of = Some("2017-12-31".parse().unwrap());
    ForecastRequest { as_of, stages: Some(vec!["Engaging".to_owned()]), policies, ..ForecastRequest::default() }
}

#[test]
fn aggregates() {
    let file: Value = serde_json::from_str(include_str!("../../tests/cases/pipeline_aggregates.json")).unwrap();
    let cases = file["cases"].as_array().unwrap();
    assert_eq!((cases.len(), file["case_count"].as_u64()), (24, Some(24)));
    let (deals, pipeline, labels, context) = (deals(), pipeline(), Labels::new(), Context::default());
    let asked = |group_by| ClosedRequest { group_by, ..ClosedRequest::default() };
    let grouped = |group_by: GroupBy, key: &str, expect: &Value| {
        let rates = win_rate(&deals, &asked(Some(group_by)), &labels, &context).unwrap().value;
        let values = won_value(&deals, &asked(Some(group_by)), &labels, &context).unwrap().value;
        let rate = rates.groups.iter().find(|g| g.key.as_deref() == Some(key)).unwrap();
        let value = values.groups.iter().find(|g| g.key.as_deref() == Some(key)).unwrap();
        closed(expect, Some(&rate.figures), &value.figures);
    };
    let counts = funnel(&deals, &FunnelRequest::default(), &pipeline, &labels, &context).unwrap().value;
    let count = |stage: &str| counts.stages.iter().find(|s| s.stage == stage).unwrap().count;
    let cycles = cycle_time(&deals, &asked(None), &labels, &context).unwrap().value.total;
    for case in cases {
        let (name, expect) = (case["name"].as_str().unwrap(), &case["expect"]);
        let parts: Vec<&str> = name.splitn(3, '/').collect();
        match parts[1..] {
            ["stage-counts"] => {
                for stage in ["Won", "Lost", "Engaging", "Prospecting"] {
                    assert_eq!(Some(count(stage)), expect[stage].as_u64(), "{stage}");
                }
                assert_eq!(Some(counts.count), expect["total"].as_u64());
            }
            ["won-revenue"] => {
                let value = won_value(&deals, &asked(None), &labels, &context).unwrap().value.total.values.remove(0);
                let figures = [
                    ("total", value.sum),
                    ("average", value.average),
                    ("median", value.median),
                    ("max", value.max),
                    ("min", value.min),
                ];
                figures.into_iter().for_each(|(field, found)| same(found, &expect[field]));
            }
            ["quarter", quarter] => grouped(GroupBy::Quarter, &quarter.replace('Q', "-Q"), expect),
            ["month", month] => grouped(GroupBy::Month, month, expect),
            ["product", product] => grouped(GroupBy::Product, id(product).as_str(), expect),
            ["agent", agent] => grouped(GroupBy::Owner, id(agent).as_str(), expect),
            ["manager", manager] => grouped(GroupBy::Manager, manager, expect),
            ["region", region] => grouped(GroupBy::Team, region, expect),
            ["account", account] => grouped(GroupBy::Account, id(account).as_str(), expect),
            ["cycle-days", "lost"] => days(expect, &cycles.lost),
            ["cycle-days", "all-closed"] => days(expect, &cycles.closed),
            ["funnel-as-of"] => {
                assert_eq!(Some(count("Engaging")), expect["engaging"].as_u64());
                assert_eq!(Some(count("Prospecting")), expect["prospecting"].as_u64());
            }
            ["product-join"] => {
                let priced: BTreeSet<String> = prices(false).prices.into_keys().collect();
                let unmatched: Vec<&String> = deals.product.values().iter().filter(|p| !priced.contains(*p)).collect();
                assert_eq!(json!(unmatched), expect["unmatched"]);
                let policies = ForecastPolicies { amount: AmountPolicy::ListPrice, ..ForecastPolicies::default() };
                let priced =
                    forecast(&deals, &engaging(policies), &pipeline, Some(&prices(false)), &context).unwrap().value;
                assert!(priced.total.without_amount > 0 && priced.total.without_amount + priced.imputed.amount == 1589);
            }
            ["weighted-open-pipeline"] => {
                let probability = ProbabilityPolicy::HistoricWinRate;
                let policies =
                    ForecastPolicies { amount: AmountPolicy::ListPrice, probability, ..ForecastPolicies::default() };
                let found =
                    forecast(&deals, &engaging(policies), &pipeline, Some(&prices(true)), &context).unwrap().value;
                same(found.total.values[0].weighted, &expect["weighted"]);
                same(found.total.values[0].amount, &expect["unweighted"]);
                assert_eq!((found.total.count, found.imputed.amount, found.imputed.probability), (1589, 1589, 1589));
            }
            _ => panic!("unknown case {name}"),
        }
    }
}

#[test]
fn the_history_gives_a_funnel_with_conversion() {
    let found =
        funnel(&deals(), &FunnelRequest::default(), &pipeline(), &Labels::new(), &Context::default()).unwrap().value;
    assert_eq!(found.basis, Basis::History);
    let engaging = &found.stages[1];
    assert_eq!((engaging.entered, engaging.converted), (Some(8300), Some(4238)));
    assert_eq!(engaging.conversion.unwrap().percent.unwrap().to_string(), "51.0602");
    // The median stay in Engaging is the median cycle of all closed deals.
    assert_eq!(engaging.median_days.unwrap().to_string(), "45");
    let codes: Vec<&str> = found.definition.iter().map(|d| d.code.as_str()).collect();
    assert_eq!(codes, ["funnel_definition", "counted_without_history"]);
}

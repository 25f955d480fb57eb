//! Frames: tables as they are exported, read by their columns, with a report of what was guessed, rounded, missing or unreadable.
#![cfg(feature = "arrow")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::io::Read;
use std::sync::Arc;

use arrow_array::builder::StringDictionaryBuilder;
use arrow_array::types::{Int8Type, UInt32Type};
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use crm_core::api::frames::answer;
use serde_json::{Value, json};

fn batch(columns: &[(&str, ArrayRef)]) -> RecordBatch {
    RecordBatch::try_from_iter(columns.iter().map(|(name, array)| (*name, array.clone()))).unwrap()
}

fn text(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn ask(op: &str, input: Value, frame: Value, batches: &[RecordBatch]) -> Value {
    let request = json!({"op": op, "context": {"now": "2017-12-31T00:00:00Z"}, "input": input, "frame": frame});
    serde_json::from_str(&answer(&request.to_string(), batches)).unwrap()
}

fn ok(op: &str, input: Value, frame: Value, batches: &[RecordBatch]) -> Value {
    let answer = ask(op, input, frame, batches);
    assert_eq!(answer["ok"], true, "{answer}");
    answer
}

fn refused(op: &str, input: Value, frame: Value, batches: &[RecordBatch]) -> Value {
    let answer = ask(op, input, frame, batches);
    assert_eq!(answer["ok"], false, "{answer}");
    answer["error"].clone()
}

/// The 8,800 deals as text, in batches of 1,000, as a CSV reader without types gives them.
fn deals() -> Vec<RecordBatch> {
    let mut csv = String::new();
    flate2::read::GzDecoder::new(&include_bytes!("../../examples/data/sales_pipeline.csv.gz")[..])
        .read_to_string(&mut csv)
        .unwrap();
    let mut lines = csv.lines().map(|line| line.trim_end_matches('\r').split(',').collect::<Vec<_>>());
    let headers = lines.next().unwrap();
    let rows: Vec<Vec<&str>> = lines.collect();
    let chunk = |rows: &[Vec<&str>]| {
        let column = |place: usize| {
            text(&rows.iter().map(|row| Some(row[place]).filter(|cell| !cell.is_empty())).collect::<Vec<_>>())
        };
        batch(&headers.iter().enumerate().map(|(place, name)| (*name, column(place))).collect::<Vec<_>>())
    };
    rows.chunks(1000).map(chunk).collect()
}

#[test]
fn the_deals_as_exported_give_the_known_figures() {
    let (deals, usd) = (deals(), json!({"currency": "USD"}));
    let funnel = ok("insight.funnel", json!({}), usd.clone(), &deals);
    let stages: Vec<(&str, u64)> = funnel["value"]["stages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| (s["stage"].as_str().unwrap(), s["count"].as_u64().unwrap()))
        .collect();
    assert_eq!(stages, [("Engaging", 1589), ("Prospecting", 500), ("Won", 4238), ("Lost", 2473)]);
    assert_eq!(funnel["value"]["basis"], "snapshot");
    assert_eq!(funnel["value"]["definition"][0]["code"], "funnel_snapshot_definition");
    assert_eq!(funnel["value"]["stages"][2]["amounts"], json!([{"amount": "10005534.00", "currency": "USD"}]));
    let report = &funnel["frame"];
    assert_eq!((report["rows"].as_u64(), report["columns"]["amount"].as_str()), (Some(8800), Some("close_value")));
    assert_eq!(report["missing"]["amount"]["count"], 2089);
    assert_eq!(report["missing"]["start"]["count"], 500);
    assert_eq!(report["unused"], json!(["opportunity_id"]));

    let rates = ok("insight.win_rate", json!({"group_by": "owner"}), json!({}), &deals);
    assert_eq!(rates["value"]["total"]["rate"], json!({"numerator": 4238, "denominator": 6711, "percent": "63.1501"}));
    assert_eq!(rates["value"]["groups"].as_array().unwrap().len(), 30);

    let values = ok("insight.won_value", json!({"group_by": "month"}), usd.clone(), &deals);
    let june = values["value"]["groups"].as_array().unwrap().iter().find(|g| g["key"] == "2017-06").unwrap();
    assert_eq!((&june["figures"]["count"], &june["figures"]["values"][0]["sum"]), (&json!(531), &json!("1338466.00")));

    let cycle = ok("insight.cycle_time", json!({}), json!({}), &deals);
    assert_eq!(
        cycle["value"]["total"]["closed"],
        json!({"count": 6711, "mean": "47.9854", "median": "45", "min": 1, "max": 138})
    );
}

#[test]
fn a_forecast_from_a_frame_says_what_it_assumed() {
    let prices = json!({"GTX Basic": 550, "GTXPro": 4821, "MG Special": 55, "MG Advanced": 3393, "GTX Plus Pro": 5482, "GTX Plus Basic": 1096, "GTK 500": 26768});
    let frame = json!({"currency": "USD", "prices": {"currency": "USD", "prices": prices}});
    let policies = json!({"close": "median_cycle", "amount": "list_price", "probability": "historic_win_rate", "start": "2017-12-31"});
    let input = json!({"as_of": "2017-12-31", "policies": policies});
    let deals = deals();
    let found = ok("insight.forecast", input, frame.clone(), &deals);
    let value = &found["value"];
    assert_eq!(value["total"]["count"], 2089);
    assert_eq!(value["imputed"], json!({"close": 2089, "amount": 2089, "start": 500, "probability": 2089}));
    assert_eq!(value["median_cycle_days"], 57);
    let codes: Vec<&str> =
        value["definition"].as_array().unwrap().iter().map(|d| d["code"].as_str().unwrap()).collect();
    assert_eq!(
        codes,
        ["forecast_definition", "imputed_close", "imputed_start", "imputed_amount", "probability_from_win_rate"]
    );
    let cents = |value: &Value| value.as_str().unwrap().replace('.', "").parse::<i64>().unwrap();
    let of = |field: &str| {
        let buckets =
            value["buckets"].as_array().unwrap().iter().flat_map(|b| b["figures"]["values"].as_array().unwrap());
        buckets.map(|v| cents(&v[field])).sum::<i64>()
    };
    assert_eq!(of("weighted"), cents(&value["total"]["values"][0]["weighted"]));
    assert_eq!(of("amount"), cents(&value["total"]["values"][0]["amount"]));
    let engaging =
        json!({"stages": ["Engaging"], "policies": {"amount": "list_price", "probability": "historic_win_rate"}});
    let mut with_column = frame;
    with_column["columns"] = json!({"expected_close": "close_date"});
    let found = ok("insight.forecast", engaging, with_column, &deals);
    assert_eq!(
        found["value"]["total"]["values"],
        json!([{"currency": "USD", "count": 1589, "amount": "3892229.00", "weighted": "2436632.42"}])
    );
}

/// One small table in two types: a dictionary with decimals, and text with text.
fn small(plain: bool) -> Vec<RecordBatch> {
    let stages = ["Won", "Proposal", "Lost", "Proposal", "Won"];
    let cents = [Some(1_250), Some(999), None, Some(-1), Some(100)];
    let (stage, amount): (ArrayRef, ArrayRef) = if plain {
        let amounts: Vec<Option<String>> = cents
            .iter()
            .map(|c| c.map(|c: i128| format!("{}{}.{:02}", if c < 0 { "-" } else { "" }, c.abs() / 100, c.abs() % 100)))
            .collect();
        (text(&stages.map(Some)), Arc::new(StringArray::from(amounts)))
    } else {
        let mut builder = StringDictionaryBuilder::<Int8Type>::new();
        stages.iter().for_each(|stage| builder.append_value(stage));
        (
            Arc::new(builder.finish()),
            Arc::new(Decimal128Array::from(cents.to_vec()).with_precision_and_scale(12, 2).unwrap()),
        )
    };
    vec![batch(&[("Stage", stage), ("Amount", amount)])]
}

#[test]
fn counting_in_place_agrees_with_reading() {
    let frame = json!({"currency": "EUR"});
    let (fast, slow) = (
        ok("insight.funnel", json!({}), frame.clone(), &small(false)),
        ok("insight.funnel", json!({}), frame, &small(true)),
    );
    assert_eq!(fast, slow);
    assert_eq!(fast["value"]["stages"][0]["amounts"][0]["amount"], "9.98");
    assert_eq!(
        (&fast["value"]["stages"][2]["without_amount"], &fast["frame"]["missing"]["amount"]["rows"]),
        (&json!(1), &json!([2]))
    );
}

#[test]
fn missing_stages_and_blank_dictionary_values_are_left_out_and_reported() {
    let mut builder = StringDictionaryBuilder::<UInt32Type>::new();
    for stage in [Some("Won"), None, Some(""), Some("Won")] {
        builder.append_option(stage);
    }
    let amounts: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 4, 8]));
    let found = ok(
        "insight.funnel",
        json!({}),
        json!({"currency": "JPY"}),
        &[batch(&[("stage", Arc::new(builder.finish())), ("amount", amounts)])],
    );
    assert_eq!((&found["value"]["count"], &found["value"]["left_out"]), (&json!(2), &json!(2)));
    assert_eq!(found["value"]["stages"][0]["amounts"][0]["amount"], "9");
    assert_eq!(found["value"]["definition"][1]["code"], "left_out_unknown_stage");
}

#[test]
fn floats_become_money_by_a_named_rule_and_every_changed_row_is_listed() {
    let values = [1.005, 0.1 + 0.2, 19.99, f64::NAN, f64::INFINITY, 1e300, 250.0];
    let stage = text(&[Some("Won"); 7]);
    let table = [batch(&[("stage", stage), ("amount", Arc::new(Float64Array::from(values.to_vec())))])];
    let found = ok("insight.won_value", json!({}), json!({"currency": "USD"}), &table);
    assert_eq!(found["value"]["total"]["values"][0]["sum"], "271.30");
    let report = &found["frame"];
    assert_eq!(report["rounding"], "half_away_from_zero");
    assert_eq!(report["rounded"], json!({"count": 2, "rows": [0, 1], "values": ["1.005", "0.30000000000000004"]}));
    assert_eq!(
        (&report["missing"]["amount"]["rows"], &report["unreadable"]["amount"]["rows"]),
        (&json!([3]), &json!([4, 5]))
    );
    let found = ok("insight.won_value", json!({}), json!({"currency": "USD", "rounding": "floor"}), &table);
    assert_eq!(found["value"]["total"]["values"][0]["sum"], "271.29");
}

#[test]
fn each_row_has_its_currency() {
    let columns = [
        ("stage", text(&[Some("Won"); 5])),
        ("amount", text(&[Some("1,200.50"), Some("EUR 7"), Some("5"), Some("abc"), Some("GBP 1")])),
        ("currency", text(&[Some("USD"), None, Some("ZZZ"), Some("USD"), Some("USD")])),
    ];
    let found = ok("insight.won_value", json!({}), json!({}), &[batch(&columns)]);
    let sums: Vec<String> = found["value"]["total"]["values"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| format!("{} {}", v["sum"], v["currency"]))
        .collect();
    assert_eq!(sums, ["\"7.00\" \"EUR\"", "\"1200.50\" \"USD\""]);
    assert_eq!(found["value"]["total"]["without_amount"], 3);
    assert_eq!(found["frame"]["unreadable"]["currency"], json!({"count": 1, "rows": [2], "values": ["ZZZ"]}));
    assert_eq!(found["frame"]["unreadable"]["amount"], json!({"count": 2, "rows": [3, 4], "values": ["abc", "GBP 1"]}));
}

#[test]
fn dates_come_in_every_type() {
    let micros = 17_531_i64 * 86_400_000_000;
    let starts: [ArrayRef; 4] = [
        text(&[Some("2017-12-31"), Some("never")]),
        Arc::new(Date32Array::from(vec![Some(17_531), None])),
        Arc::new(TimestampMicrosecondArray::from(vec![Some(micros + 1), None])),
        Arc::new(TimestampMicrosecondArray::from(vec![Some(micros + 1), None]).with_timezone("UTC")),
    ];
    for start in starts {
        let table = [batch(&[("stage", text(&[Some("A"), Some("A")])), ("start", start)])];
        let found = ok("insight.funnel", json!({"group_by": "month"}), json!({}), &table);
        let keys: Vec<&Value> = found["value"]["groups"].as_array().unwrap().iter().map(|g| &g["key"]).collect();
        assert_eq!(keys, [&json!("2017-12"), &Value::Null]);
    }
}

#[test]
fn marks_tell_what_a_stage_means() {
    let columns = [
        ("Stage", text(&[Some("Signed"), Some("Gone"), Some("Talking")])),
        ("Closed", Arc::new(BooleanArray::from(vec![true, true, false])) as ArrayRef),
        ("Won", text(&[Some("1"), Some("0"), Some("0")])),
    ];
    let found = ok("insight.win_rate", json!({}), json!({"source": "salesforce"}), &[batch(&columns)]);
    assert_eq!((&found["value"]["total"]["won"], &found["value"]["total"]["lost"]), (&json!(1), &json!(1)));
}

#[test]
fn wrong_use_is_refused_with_the_remedy() {
    let table = [batch(&[
        ("Phase", text(&[Some("Won")])),
        ("Amount", text(&[Some("1")])),
        ("Done", Arc::new(BooleanArray::from(vec![true]))),
    ])];
    let missing = refused("insight.funnel", json!({}), json!({}), &table);
    assert_eq!((&missing["code"], &missing["details"]["field"]), (&json!("missing_column"), &json!("stage")));
    let misspelt = refused("insight.funnel", json!({}), json!({"columns": {"stage": "Phas"}}), &table);
    assert_eq!(misspelt["message"], "the frame has no column `Phas`: did you mean `Phase`?");
    let stage = json!({"stage": "Phase"});
    let unpriced = refused("insight.won_value", json!({}), json!({"columns": stage}), &table);
    assert_eq!((&unpriced["code"], &unpriced["path"]), (&json!("missing_currency"), &json!("frame.currency")));
    let typed = refused(
        "insight.won_value",
        json!({}),
        json!({"columns": {"stage": "Phase", "amount": "Done"}, "currency": "USD"}),
        &table,
    );
    assert_eq!((&typed["code"], &typed["path"]), (&json!("unreadable_column"), &json!("frame.columns.amount")));
    let option = refused("insight.funnel", json!({}), json!({"columns": stage, "curency": "USD"}), &table);
    assert_eq!((&option["code"], &option["path"]), (&json!("unknown_field"), &json!("frame.curency")));
    assert!(option["message"].as_str().unwrap().contains("did you mean `currency`?"));
    let op = refused("insight.funel", json!({}), json!({"columns": stage}), &table);
    assert!(op["message"].as_str().unwrap().contains("did you mean `insight.funnel`?"), "{op}");
    assert_eq!(refused("users.find", json!({}), json!({"columns": stage}), &table)["code"], "unknown_operation");
    assert_eq!(
        refused(
            "insight.won_value",
            json!({"group_by": "month"}),
            json!({"columns": stage, "currency": "USD"}),
            &table
        )["code"],
        "missing_column"
    );
    assert_eq!(serde_json::from_str::<Value>(&answer("{", &table)).unwrap()["error"]["code"], "invalid_json");
    assert_eq!(refused("insight.funnel", json!({"by": 1}), json!({"columns": stage}), &table)["code"], "unknown_field");
}

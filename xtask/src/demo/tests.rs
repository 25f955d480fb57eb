#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use serde_json::json;

use super::findings::{Action, Rule};
use super::plan::Plan;
use super::source::{AccountRow, AgentRow, DealRow, ProductRow};
use super::store::Store;
use super::words::Lang;
use super::{shell, show};

/// The whole demo once in each language: the known figures come out, both runs agree, and the report counts every row.
#[test]
fn the_known_figures_come_out() {
    let out = std::env::temp_dir().join(format!("crm-core-demo-{}", std::process::id()));
    let store = Store::File(out.join("deals.db"));
    let summary = show(Lang::English, &out, &store).unwrap();
    let report = shell::read(&out.join("report.html")).unwrap();
    let found = shell::read(&out.join("import-report.csv")).unwrap();
    assert_eq!(show(Lang::Chinese, &out, &store).unwrap(), summary);
    let chinese = shell::read(&out.join("report.html")).unwrap();
    std::fs::remove_dir_all(&out).unwrap();

    assert_eq!(summary["stages"], json!({"won": 4238, "lost": 2473, "engaging": 1589, "prospecting": 500}));
    assert_eq!(summary["win_rate"], json!({"won": 4238, "closed": 6711, "percent": "63.1501"}));
    assert_eq!(summary["won_value"], json!({"amount": "10005534.00", "currency": "USD"}));
    let rows = |read: u64| json!({"read": read, "imported": read, "refused": 0});
    let files = json!({"accounts.csv": rows(85), "products.csv": rows(7), "sales_teams.csv": rows(35), "sales_pipeline.csv": rows(8800)});
    assert_eq!(summary["import"]["files"], files);
    let rules = &summary["import"]["rules"];
    let known = [
        ("product_alias", 1480),
        ("sector_spelling", 12),
        ("country_spelling", 1),
        ("engage_date_missing", 500),
        ("prospecting_start_unknown", 8300),
        ("account_blank", 1425),
        ("open_close_missing", 2089),
        ("lost_value_zero", 2473),
        ("lost_reason_missing", 2473),
        ("agent_without_deals", 5),
    ];
    for (rule, count) in known {
        assert_eq!(rules[rule], count, "{rule}");
    }
    let lines: u64 = Rule::ALL.iter().map(|rule| rules[rule.code()].as_u64().unwrap()).sum();
    assert_eq!(found.lines().count() as u64, lines + 1);

    for page in [&report, &chinese] {
        assert_eq!(page.matches("<svg").count(), 6);
        assert!(page.contains("10,005,534") && page.contains("4,238 / 6,711"));
        for outside in ["http://", "https://", "<script", "<link", "@import"] {
            let namespace = page.matches("http://www.w3.org/").count();
            let all = page.matches(outside).count();
            assert_eq!(all, if outside == "http://" { namespace } else { 0 }, "{outside}");
        }
    }
    assert!(report.contains("won / (won + lost)") && chinese.contains("赢单 / （赢单 + 输单）"));
}

/// A small plan with one good agent, product and account, and the deals of a test.
fn plan(deals: &[[&str; 8]]) -> Plan {
    let texts = |t: &[&str]| t.iter().map(|s| (*s).to_owned()).collect::<Vec<String>>();
    let agent = AgentRow { sales_agent: "Ann Lee".into(), manager: "Bo Chen".into(), regional_office: "East".into() };
    let mut plan = Plan::default();
    plan.users(vec![(2, Ok(agent.clone()))]);
    plan.products(vec![(
        2,
        Ok(ProductRow { product: "GTX Pro".into(), series: "GTX".into(), sales_price: "4821".into() }),
    )]);
    let account = |name: &str, parent: &str| AccountRow {
        account: name.into(),
        sector: "technolgy".into(),
        year_established: "1996".into(),
        revenue: "1100.04".into(),
        employees: "10".into(),
        office_location: "Kenya".into(),
        subsidiary_of: parent.into(),
    };
    plan.accounts(vec![
        (2, Ok(account("Child", "Acme"))),
        (3, Ok(account("Acme", ""))),
        (4, Ok(account("Lone", "Nobody"))),
    ]);
    let row = |cells: &[&str; 8]| {
        let t = texts(cells);
        let [opportunity_id, sales_agent, product, account, deal_stage, engage_date, close_date, close_value] =
            t.try_into().unwrap();
        DealRow { opportunity_id, sales_agent, product, account, deal_stage, engage_date, close_date, close_value }
    };
    let lines = deals.iter().enumerate().map(|(place, cells)| (place as u64 + 2, Ok(row(cells)))).collect();
    plan.deals(lines, &[(2, Ok(agent))]);
    plan
}

#[test]
fn bad_rows_are_refused_by_a_named_rule_and_counted() {
    let won = ["d1", "Ann Lee", "GTXPro", "Acme", "Won", "2017-01-02", "2017-02-03", "4500"];
    let with = |place: usize, text: &'static str| {
        let mut row = won;
        row[0] = "other";
        row[place] = text;
        row
    };
    let plan = plan(&[won, won]);
    assert_eq!((plan.deals.len(), plan.findings.files["sales_pipeline.csv"]), (1, (2, 1)));
    let cases = [
        (1, "Nobody", Rule::ReferenceUnknown),
        (2, "GTX Ultra", Rule::ReferenceUnknown),
        (3, "Nowhere", Rule::ReferenceUnknown),
        (4, "Maybe", Rule::StageUnknown),
        (5, "", Rule::DatesImpossible),
        (5, "2017-02-30", Rule::DatesImpossible),
        (6, "2016-12-31", Rule::DatesImpossible),
        (7, "a lot", Rule::NumberUnreadable),
    ];
    for (place, text, rule) in cases {
        let plan = self::plan(&[with(place, text)]);
        let refused: Vec<Rule> =
            plan.findings.list.iter().map(|f| f.rule).filter(|r| r.action() == Action::Refused).collect();
        assert_eq!(refused, [Rule::ReferenceUnknown, rule], "{text}"); // the first one is the account `Lone`
        assert!(plan.deals.is_empty());
        plan.findings.check().unwrap();
    }
}

#[test]
fn parents_come_before_their_subsidiaries_and_spelling_is_mended() {
    let plan = plan(&[]);
    let accounts: Vec<_> = plan.basics.iter().filter(|r| r["op"] == "accounts.create").map(|r| &r["input"]).collect();
    assert_eq!(accounts.iter().map(|a| a["id"].as_str().unwrap()).collect::<Vec<_>>(), ["acme", "child"]);
    assert_eq!((&accounts[1]["parent"], &accounts[0]["industry"]), (&json!("acme"), &json!("technology")));
    assert_eq!(accounts[0]["annual_revenue"], json!({"amount": "1100040000", "currency": "USD"}));
}

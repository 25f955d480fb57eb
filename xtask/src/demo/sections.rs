//! What the report says, section by section: a table, what it means, and a picture. The terminal and the page show the same.

use crm_core::insight::forecast::{BucketKind, Forecast, ForecastFigures};
use crm_core::insight::funnel::FunnelStage;
use crm_core::insight::won_value::{WonValue, WonValues};

use super::charts::{self, Points, length};
use super::figures::{Figures, meaning};
use super::plan;
use super::words::{Lang, amount, count};

/// One part of the report.
pub struct Section {
    /// The heading.
    pub title: String,
    /// What the figures mean.
    pub meaning: Vec<String>,
    /// How to read the picture, where it does not say itself.
    pub key: Option<String>,
    /// The columns; the first holds names, the others numbers.
    pub head: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<String>>,
    /// The picture, as SVG.
    pub chart: String,
}

/// All of them, in their order.
pub fn all(figures: &Figures, lang: Lang) -> Result<Vec<Section>, String> {
    Ok(vec![
        funnel(figures, lang)?,
        months(figures, lang)?,
        rates(figures, lang)?,
        products(figures, lang)?,
        forecast(&figures.forecast, lang)?,
    ])
}

fn texts(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// A stage's name in the language of the report.
pub fn stage(id: &str, lang: Lang) -> String {
    match id {
        "prospecting" => lang.pick("Prospecting", "挖掘"),
        "engaging" => lang.pick("Engaging", "接洽"),
        "won" => lang.pick("Won", "赢单"),
        "lost" => lang.pick("Lost", "输单"),
        other => other,
    }
    .to_owned()
}

fn funnel(figures: &Figures, lang: Lang) -> Result<Section, String> {
    let none = || "-".to_owned();
    let row = |s: &FunnelStage| {
        let conversion = s.conversion.and_then(|c| Some(format!("{} %", c.percent?)));
        let days = s.median_days.map(|days| days.normalized().to_string());
        vec![
            stage(&s.stage, lang),
            count(s.count),
            s.entered.map_or_else(none, count),
            s.converted.map_or_else(none, count),
            conversion.unwrap_or_else(none),
            days.unwrap_or_else(none),
        ]
    };
    let stages = &figures.funnel.stages;
    let points: Points = stages
        .iter()
        .filter(|s| s.stage != "lost")
        .filter_map(|s| Some((stage(&s.stage, lang), s.entered? as f64)))
        .collect();
    let head = lang.pick(
        ["stage", "there now", "entered", "converted", "conversion", "median days"],
        ["阶段", "当前", "进入", "转化", "转化率", "停留中位天数"],
    );
    Ok(Section {
        title: lang.pick("Funnel and conversion", "漏斗与转化").to_owned(),
        meaning: meaning(&figures.funnel.definition),
        key: None,
        head: texts(&head),
        rows: stages.iter().map(row).collect(),
        chart: charts::funnel(&points)?,
    })
}

/// The won value in dollars, the only currency of the data.
fn dollars(value: &WonValue) -> Option<&crm_core::insight::won_value::ValueFigures> {
    value.values.iter().find(|figures| figures.currency.code() == "USD")
}

fn won(values: &WonValues, first: &str, lang: Lang) -> (Vec<String>, Vec<Vec<String>>, Points) {
    let [deals, sum, mean] =
        lang.pick(["deals", "won value, USD", "mean, USD"], ["商机", "赢单金额（美元）", "平均（美元）"]);
    let (mut rows, mut points) = (Vec::new(), Points::new());
    for group in &values.groups {
        let name = group.label.clone().or_else(|| group.key.clone()).unwrap_or_else(|| lang.none().to_owned());
        if let Some(figures) = dollars(&group.figures) {
            rows.push(vec![name.clone(), count(group.figures.count), amount(figures.sum), amount(figures.average)]);
            points.push((name, length(figures.sum)));
        }
    }
    if let Some(figures) = dollars(&values.total) {
        let total = lang.pick("total", "合计").to_owned();
        rows.push(vec![total, count(values.total.count), amount(figures.sum), amount(figures.average)]);
    }
    (texts(&[first, deals, sum, mean]), rows, points)
}

fn months(figures: &Figures, lang: Lang) -> Result<Section, String> {
    let (head, rows, points) = won(&figures.months, lang.pick("month", "月份"), lang);
    let (names, data): (Vec<String>, Vec<f64>) = points.into_iter().unzip();
    Ok(Section {
        title: lang.pick("Won value by month, USD", "每月赢单金额（美元）").to_owned(),
        meaning: meaning(&figures.months.definition),
        key: None,
        head,
        rows,
        chart: charts::columns(&names, &[("", data)])?,
    })
}

fn products(figures: &Figures, lang: Lang) -> Result<Section, String> {
    let (head, rows, mut points) = won(&figures.products, lang.pick("product", "产品"), lang);
    points.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    Ok(Section {
        title: lang.pick("Won value by product, USD", "各产品赢单金额（美元）").to_owned(),
        meaning: meaning(&figures.products.definition),
        key: None,
        head,
        rows,
        chart: charts::bars(&points, "", None)?,
    })
}

fn rates(figures: &Figures, lang: Lang) -> Result<Section, String> {
    let percent =
        |rate: crm_core::insight::figures::Fraction| rate.percent.map(|p| format!("{p} %")).unwrap_or_default();
    let (mut rows, mut points) = (Vec::new(), Points::new());
    let mut groups: Vec<_> = figures.rates.groups.iter().collect();
    groups.sort_by(|a, b| {
        let rate = |g: &crm_core::insight::win_rate::WinRateGroup| g.figures.rate.percent.map_or(0.0, length);
        rate(b).total_cmp(&rate(a))
    });
    for group in groups {
        let name = group.label.clone().or_else(|| group.key.clone()).unwrap_or_else(|| lang.none().to_owned());
        rows.push(vec![name.clone(), count(group.figures.won), count(group.figures.lost), percent(group.figures.rate)]);
        points.push((name, group.figures.rate.percent.map_or(0.0, |p| (length(p) * 10.0).round() / 10.0)));
    }
    let total = &figures.rates.total;
    rows.push(vec![lang.pick("total", "合计").to_owned(), count(total.won), count(total.lost), percent(total.rate)]);
    let key = lang.pick("pale bars: below the rate of all agents together", "浅色条：低于全体销售的赢单率").to_owned();
    let head = lang.pick(["agent", "won", "lost", "win rate"], ["销售", "赢单", "输单", "赢单率"]);
    Ok(Section {
        title: lang.pick("Win rate by agent", "各销售赢单率").to_owned(),
        meaning: meaning(&figures.rates.definition),
        key: Some(key),
        head: texts(&head),
        rows,
        chart: charts::bars(&points, " %", total.rate.percent.map(length))?,
    })
}

fn forecast(forecast: &Forecast, lang: Lang) -> Result<Section, String> {
    let dollars = |figures: &ForecastFigures| {
        let value = figures.values.iter().find(|value| value.currency.code() == "USD");
        value.map(|value| (value.amount, value.weighted)).unwrap_or_default()
    };
    let mut rows = Vec::new();
    let (mut names, mut whole, mut weighted) = (Vec::new(), Vec::new(), Vec::new());
    for bucket in &forecast.buckets {
        let name = match bucket.kind {
            BucketKind::Overdue => lang.pick("overdue", "逾期").to_owned(),
            BucketKind::Month => bucket.month.clone().unwrap_or_default(),
            BucketKind::Later => lang.pick("later", "更晚").to_owned(),
            BucketKind::NoDate => lang.pick("no date", "无日期").to_owned(),
        };
        let (sum, chance) = dollars(&bucket.figures);
        rows.push(vec![name.clone(), count(bucket.figures.count), amount(sum), amount(chance)]);
        if bucket.figures.count > 0 {
            names.push(name);
            whole.push(length(sum));
            weighted.push(length(chance));
        }
    }
    let (sum, chance) = dollars(&forecast.total);
    rows.push(vec![lang.pick("total", "合计").to_owned(), count(forecast.total.count), amount(sum), amount(chance)]);
    let head =
        lang.pick(["month", "deals", "amount, USD", "weighted, USD"], ["月份", "商机", "金额（美元）", "加权（美元）"]);
    let series = lang.pick(["amount", "weighted"], ["金额", "加权"]);
    let [amounts, weights] = series;
    Ok(Section {
        title: lang.pick("Weighted forecast by month, USD", "每月加权预测（美元）").to_owned(),
        meaning: meaning(&forecast.definition),
        key: None,
        head: texts(&head),
        rows,
        chart: charts::columns(&names, &[(amounts, whole), (weights, weighted)])?,
    })
}

/// What the figures assume where the data does not say; `undated` deals have no engage date.
pub fn assumptions(figures: &Figures, undated: u64, lang: Lang) -> Vec<String> {
    let (imputed, cycle) = (figures.forecast.imputed, figures.forecast.median_cycle_days.unwrap_or(0));
    let (close, price, undated, as_of) =
        (count(imputed.close), count(imputed.amount), count(undated), figures.forecast.as_of);
    let chances: Vec<String> =
        plan::CHANCES.iter().map(|(id, percent)| format!("{} {percent} %", stage(id, lang))).collect();
    lang.pick(
        vec![
            format!("The present is {as_of}, the day after the last close date of the data: `as_of` of the forecast."),
            format!("Expected close (`median_cycle`): none is recorded for {close} open deals; assumed is the start + {cycle} days, the median cycle of the won deals. The start is the engage date; for the {undated} deals without one it is the import date, marked imputed."),
            format!("Amount (`list_price`): none is recorded for {price} open deals; assumed is one unit at the list price of the product."),
            format!("Probability (`deal`): that of the deal's stage, {}. The data has none; these are the demo's configuration.", chances.join(", ")),
            "Overdue: an open deal whose assumed close lies before the present has been open for longer than half of the won deals were.".to_owned(),
        ],
        vec![
            format!("当前时间定为 {as_of}，即数据中最后一个关闭日期的次日：预测的 `as_of`。"),
            format!("预计关闭日期（`median_cycle`）：{close} 个进行中商机没有记录；假定为开始日期 + {cycle} 天，即赢单商机周期的中位数。开始日期为接洽日期；{undated} 个没有接洽日期的商机取导入日期，并标为推定。"),
            format!("金额（`list_price`）：{price} 个进行中商机没有记录；假定为一件产品的目录价。"),
            format!("概率（`deal`）：取商机所在阶段的概率，{}。数据中没有概率，此为演示的配置。", chances.join("，")),
            "逾期：假定的关闭日期早于当前时间的进行中商机，其进行时间已超过半数赢单商机的周期。".to_owned(),
        ],
    )
}

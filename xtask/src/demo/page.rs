//! The report as one page: it asks nothing of the network and runs no script.

use super::charts;
use super::console;
use super::figures::Figures;
use super::findings::{Action, Tally};
use super::import::Imported;
use super::quote::Quote;
use super::sections::{Section, stage};
use super::words::{Lang, amount, count};

/// What the page is made from.
pub struct Report<'a> {
    pub lang: Lang,
    pub imported: &'a Imported,
    pub figures: &'a Figures,
    pub sections: &'a [Section],
    pub assumptions: &'a [String],
    pub quote: &'a Quote,
}

/// Writes the page.
pub fn write(report: &Report<'_>) -> Result<String, String> {
    let lang = report.lang;
    let deals = count(report.figures.funnel.count);
    let title = lang.pick(
        format!("{deals} deals, imported, analysed, one of them quoted"),
        format!("{deals} 个商机：导入、分析，并为其中一个报价"),
    );
    let lead = lang.pick(
        "A fictitious seller of computer hardware. Every figure below comes from an operation of crm-core over a store that was filled through operations; each says what it means. Hover over a picture for its values.",
        "一家虚构的计算机硬件销售公司。以下每个数字都由 crm-core 的操作从存储得出，该存储也是通过操作写入的；每个数字都附有定义。将鼠标悬停在图上可查看数值。",
    );
    // The tall section with a row for each agent stands beside two others.
    let cards: Vec<String> = report.sections.iter().map(|section| card(section, lang)).collect();
    let columns: String = match cards.as_slice() {
        [first, second, tall, rest @ ..] => format!("<div>{first}{second}</div><div>{tall}</div>{}", rest.concat()),
        few => few.concat(),
    };
    let assumed: String = report.assumptions.iter().map(|text| format!("<li>{}</li>", code(text))).collect();
    let data = lang.pick(
        "Data: CRM Sales Opportunities, Maven Analytics (mavenanalytics.io/data-playground). Its terms are not stated; see examples/data/README.md.",
        "数据：CRM Sales Opportunities，Maven Analytics（mavenanalytics.io/data-playground）。许可条款未注明，见 examples/data/README.md。",
    );
    Ok(format!(
        "<!doctype html>\n<html lang=\"{tag}\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{title}</title>\n<style>\n{css}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n<p class=\"lead\">{lead}</p>\n{tiles}\
         <div class=\"grid\">\n{columns}</div>\n\
         <div class=\"stack\"><section class=\"card\"><h2>{assumed_title}</h2><ul class=\"plain\">{assumed}</ul></section>{quote}{import}</div>\n<footer>{data}</footer>\n</main>\n</body>\n</html>\n",
        tag = lang.tag(),
        css = include_str!("page.css"),
        tiles = tiles(report.figures, lang),
        assumed_title = lang.pick("What is assumed", "假设"),
        quote = quote(report.quote, lang)?,
        import = import(report.imported, lang),
    ))
}

/// The known figures at a glance.
fn tiles(figures: &Figures, lang: Lang) -> String {
    let rate = figures.rates.total.rate;
    let percent = rate.percent.map(|p| p.to_string()).unwrap_or_default();
    let of = format!("{} / {}", count(rate.numerator), count(rate.denominator));
    let mut out = String::from("<div class=\"tiles\">\n");
    let mut tile = |class: &str, value: String, about: String| {
        out.push_str(&format!(
            "<div class=\"tile{class}\"><b>{}</b><span>{}</span></div>\n",
            escape(&value),
            escape(&about)
        ));
    };
    tile(" wide", format!("USD {}", amount(figures.won_value())), lang.pick("won value", "赢单金额").to_owned());
    tile(" wide", format!("{percent} %"), lang.pick(format!("win rate: {of}"), format!("赢单率：{of}")));
    for id in ["won", "lost", "engaging", "prospecting"] {
        tile("", count(figures.in_stage(id)), stage(id, lang));
    }
    out.push_str("</div>\n");
    out
}

fn card(section: &Section, lang: Lang) -> String {
    let meaning: String = section
        .meaning
        .iter()
        .chain(&section.key)
        .map(|text| format!("<p class=\"meaning\">{}</p>", escape(text)))
        .collect();
    let open = if section.rows.len() < 6 { " open" } else { "" };
    format!(
        "<section class=\"card\"><h2>{}</h2>{}{meaning}<details{open}><summary>{}</summary>{}</details></section>\n",
        escape(&section.title),
        section.chart,
        lang.pick("the figures", "数据表"),
        table("", &section.head, &section.rows),
    )
}

fn table(class: &str, head: &[String], rows: &[Vec<String>]) -> String {
    let cells = |tag: &str, row: &[String]| {
        row.iter().map(|cell| format!("<{tag}>{}</{tag}>", escape(cell))).collect::<String>()
    };
    let body: String = rows.iter().map(|row| format!("<tr>{}</tr>", cells("td", row))).collect();
    format!("<table class=\"{class}\"><thead><tr>{}</tr></thead><tbody>{body}</tbody></table>", cells("th", head))
}

fn quote(quote: &Quote, lang: Lang) -> Result<String, String> {
    let steps: Vec<(String, f64, bool)> =
        quote.waterfall(lang).into_iter().map(|(name, value, total)| (name, charts::length(value), total)).collect();
    let lines: String = quote
        .steps(lang)
        .into_iter()
        .map(|(depth, text)| {
            let class = match depth {
                0 => "total",
                1 => "line",
                _ => "deep",
            };
            format!("<li class=\"{class}\" style=\"--depth:{depth}\">{}</li>", code(&text))
        })
        .collect();
    Ok(format!(
        "<section class=\"card\"><h2>{}</h2><div class=\"half\"><div>{}</div><ol class=\"steps\">{lines}</ol></div></section>\n",
        escape(&console::quote_title(quote, lang)),
        charts::waterfall(&steps)?,
    ))
}

fn import(imported: &Imported, lang: Lang) -> String {
    let files = imported.findings.files.iter();
    let read: Vec<Vec<String>> = files
        .map(|(file, (read, taken))| vec![(*file).to_owned(), count(*read), count(*taken), count(read - taken)])
        .collect();
    let head = lang
        .pick(["file", "rows read", "imported", "refused"], ["文件", "读取行数", "导入", "拒绝"])
        .map(str::to_owned);
    let found: String = imported.findings.tallies().iter().map(|tally| finding(tally, lang)).collect();
    let names = lang.pick(["", "rule", "file", "rows", "first rows"], ["", "规则", "文件", "行数", "前几行"]);
    let names: String = names.iter().map(|name| format!("<th>{name}</th>")).collect();
    let lead = lang.pick(
        format!("{} operations in {} commits. Every row and what became of it: import-report.csv. Rows are numbered as in a spreadsheet, the header is row 1.", count(imported.operations), imported.commits),
        format!("{} 个操作，{} 次提交。每一行及其处理见 import-report.csv。行号与电子表格相同，表头为第 1 行。", count(imported.operations), imported.commits),
    );
    format!(
        "<section class=\"card\"><h2>{}</h2><p>{lead}</p>{}<table class=\"words\" style=\"margin-top:20px\"><thead><tr>{names}</tr></thead><tbody>{found}</tbody></table></section>\n",
        lang.pick("Import report", "导入报告"),
        table("", &head, &read),
    )
}

fn finding(tally: &Tally, lang: Lang) -> String {
    let action = tally.rule.action();
    let class = match action {
        Action::Mended => "mended",
        Action::Imputed => "imputed",
        Action::KeptEmpty => "kept",
        Action::LeftOut => "left",
        Action::Noted => "noted",
        Action::Refused => "refused",
    };
    let more = if tally.count > tally.sample.len() as u64 { ", …" } else { "" };
    let sample: Vec<String> = tally.sample.iter().map(u64::to_string).collect();
    format!(
        "<tr><td><span class=\"badge {class}\">{}</span></td><td>{}</td><td>{}</td><td class=\"number\">{}</td><td>{}{more}</td></tr>",
        action.name(lang),
        code(tally.rule.about(lang)),
        tally.file,
        count(tally.count),
        sample.join(", "),
    )
}

/// A sentence with what stands between backticks set as code.
fn code(text: &str) -> String {
    let parts = escape(text);
    let mut out = String::new();
    for (place, part) in parts.split('`').enumerate() {
        out.push_str(&if place % 2 == 1 { format!("<code>{part}</code>") } else { part.to_owned() });
    }
    out
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

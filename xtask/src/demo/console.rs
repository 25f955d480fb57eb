//! The report on the terminal.

use super::import::Imported;
use super::quote::Quote;
use super::sections::Section;
use super::words::{Lang, amount, count, left, right, width};

/// Prints a heading.
pub fn heading(text: &str) {
    println!("\n{text}\n{}", "─".repeat(width(text)));
}

/// Prints rows under their heads: names to the left, numbers to the right.
pub fn table(head: &[String], rows: &[Vec<String>]) {
    let widest = |column: usize| {
        let cells = std::iter::once(head).chain(rows.iter().map(Vec::as_slice));
        cells.filter_map(|row| row.get(column)).map(|cell| width(cell)).max().unwrap_or(0)
    };
    for row in std::iter::once(head).chain(rows.iter().map(Vec::as_slice)) {
        let cells = row.iter().enumerate().map(|(column, cell)| match column {
            0 => left(cell, widest(0)),
            _ => right(cell, widest(column)),
        });
        println!("  {}", cells.collect::<Vec<_>>().join("  "));
    }
}

/// Prints what the import did.
pub fn import(imported: &Imported, lang: Lang) {
    heading(lang.pick("Import", "导入"));
    let (operations, commits) = (count(imported.operations), imported.commits);
    let seconds = imported.took.as_secs_f64();
    println!(
        "  {}",
        lang.pick(
            format!("{operations} operations in {commits} commits, {seconds:.1} s"),
            format!("{operations} 个操作，{commits} 次提交，{seconds:.1} 秒"),
        )
    );
    let head = lang.pick(["file", "rows read", "imported", "refused"], ["文件", "读取行数", "导入", "拒绝"]);
    let files = imported.findings.files.iter();
    let rows: Vec<Vec<String>> = files
        .map(|(file, (read, taken))| vec![(*file).to_owned(), count(*read), count(*taken), count(read - taken)])
        .collect();
    table(&head.map(str::to_owned), &rows);
    println!();
    for (about, detail) in findings(imported, lang) {
        println!("  {about}\n      {detail}");
    }
}

/// Every rule that was followed: the sentence, and how often and where.
pub fn findings(imported: &Imported, lang: Lang) -> Vec<(String, String)> {
    let lines = imported.findings.tallies().into_iter().map(|tally| {
        let about = format!("{}{}{}", tally.rule.action().name(lang), lang.pick(": ", "："), tally.rule.about(lang));
        let sample: Vec<String> = tally.sample.iter().map(u64::to_string).collect();
        let more = if tally.count > tally.sample.len() as u64 { ", …" } else { "" };
        let (rows, sample) = (count(tally.count), sample.join(", "));
        let detail = lang.pick(
            format!("{rows} {} of {}: {sample}{more}", if tally.count == 1 { "row" } else { "rows" }, tally.file),
            format!("{} 中 {rows} 行：{sample}{more}", tally.file),
        );
        (about, detail)
    });
    lines.collect()
}

/// Prints one part of the report.
pub fn section(section: &Section, lang: Lang) {
    heading(&section.title);
    table(&section.head, &section.rows);
    for text in &section.meaning {
        println!("  {}{text}", lang.pick("definition: ", "定义："));
    }
}

/// Prints a list of sentences.
pub fn list(title: &str, sentences: &[String]) {
    heading(title);
    for sentence in sentences {
        println!("  {sentence}");
    }
}

/// Prints the quote.
pub fn quote(quote: &Quote, lang: Lang) {
    heading(&quote_title(quote, lang));
    for (depth, sentence) in quote.steps(lang) {
        println!("  {}{sentence}", "  ".repeat(depth));
    }
}

/// What the quote is about.
pub fn quote_title(quote: &Quote, lang: Lang) -> String {
    let (id, account) = (quote.deal.id.as_str(), &quote.account.name);
    let (total, currency) = (amount(quote.priced.total), quote.priced.currency.code());
    lang.pick(
        format!("A quote for the open deal {id} with {account}: {currency} {total}"),
        format!("进行中商机 {id}（{account}）的报价：{currency} {total}"),
    )
}

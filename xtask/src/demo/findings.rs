//! The import report: what was wrong with which row, and the rule that mended, assumed or refused.

use std::collections::BTreeMap;

use super::words::Lang;

/// What became of the datum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Written in another way, known to mean the same.
    Mended,
    /// Missing, and assumed under a named policy.
    Imputed,
    /// Missing, and left empty.
    KeptEmpty,
    /// There, and not taken over as a value of its own.
    LeftOut,
    /// Worth knowing; nothing was changed.
    Noted,
    /// The row was not imported.
    Refused,
}

impl Action {
    /// The name in the report.
    pub fn name(self, lang: Lang) -> &'static str {
        match self {
            Action::Mended => lang.pick("mended", "已修正"),
            Action::Imputed => lang.pick("imputed", "推定"),
            Action::KeptEmpty => lang.pick("kept empty", "保留为空"),
            Action::LeftOut => lang.pick("left out", "未采用"),
            Action::Noted => lang.pick("noted", "已注明"),
            Action::Refused => lang.pick("refused", "已拒绝"),
        }
    }
}

/// Declares the rules: name, what becomes of the datum, and the sentence in both languages.
macro_rules! rules {
    ($($name:ident = $code:literal, $action:ident, $english:literal, $chinese:literal;)*) => {
        /// A rule of the import.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Rule { $($name,)* }

        impl Rule {
            /// Every rule, in the order of the report.
            pub const ALL: &'static [Rule] = &[$(Rule::$name,)*];

            /// The name in the report.
            pub fn code(self) -> &'static str {
                match self { $(Rule::$name => $code,)* }
            }

            /// What becomes of the datum.
            pub fn action(self) -> Action {
                match self { $(Rule::$name => Action::$action,)* }
            }

            /// The rule as a sentence.
            pub fn about(self, lang: Lang) -> &'static str {
                match self { $(Rule::$name => lang.pick($english, $chinese),)* }
            }
        }
    };
}

rules! {
    ProductAlias = "product_alias", Mended, "the product `GTXPro` is `GTX Pro` of the price list", "产品 `GTXPro` 即价目表中的 `GTX Pro`";
    SectorSpelling = "sector_spelling", Mended, "the sector `technolgy` is spelt `technology`", "行业 `technolgy` 应写作 `technology`";
    CountrySpelling = "country_spelling", Mended, "the country `Philipines` is spelt `Philippines`", "国家 `Philipines` 应写作 `Philippines`";
    RevenueUnit = "revenue_unit", Mended, "revenue is given in millions of USD and stored in USD, exactly", "营收原以百万美元计，按美元精确存储";
    EngageDateMissing = "engage_date_missing", Imputed, "without an engage date the deal is created on the import date, and its description says so", "没有接洽日期的商机以导入日期创建，并在描述中注明";
    ProspectingStart = "prospecting_start_unknown", Imputed, "when prospecting began is not recorded: the deal is created on its engage date and moved to Engaging on the same day", "未记录开始挖掘的日期：商机以接洽日期创建，并于同日移到接洽阶段";
    LostReasonMissing = "lost_reason_missing", Imputed, "the data has no reasons for losses: the deal is lost with the reason `not recorded`", "数据没有输单原因：以 `not recorded` 记为输单";
    AccountBlank = "account_blank", KeptEmpty, "the deal names no account and is kept without one", "商机未注明客户，保留为无客户";
    OpenCloseMissing = "open_close_missing", KeptEmpty, "an open deal has neither expected close nor value: both stay empty, and the forecast says what it assumes", "进行中的商机没有预计关闭日期和金额：两者留空，预测会注明其假设";
    LostValueZero = "lost_value_zero", LeftOut, "the close value 0 of a lost deal is no price: its amount stays empty", "输单商机的金额 0 并非价格：金额留空";
    AgentWithoutDeals = "agent_without_deals", Noted, "the agent owns no deal and is imported all the same", "该销售没有任何商机，仍然导入";
    RowUnreadable = "row_unreadable", Refused, "the row cannot be read", "该行无法读取";
    IdRepeated = "id_repeated", Refused, "an earlier row has the same id", "前面已有相同编号的行";
    ReferenceUnknown = "reference_unknown", Refused, "the row names an agent, a product or an account that no file has", "该行引用了任何文件中都没有的销售、产品或客户";
    StageUnknown = "stage_unknown", Refused, "the stage is none of Prospecting, Engaging, Won and Lost", "阶段不是 Prospecting、Engaging、Won 或 Lost";
    DatesImpossible = "dates_impossible", Refused, "a date is missing, no date, or before the one that must precede it", "日期缺失、不是日期，或早于应在其前的日期";
    NumberUnreadable = "number_unreadable", Refused, "a number is missing or cannot be read", "数字缺失或无法读取";
}

/// Something that was wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file.
    pub file: &'static str,
    /// The row as a spreadsheet numbers it; the header is row 1.
    pub row: u64,
    /// The column.
    pub field: &'static str,
    /// The rule that was followed.
    pub rule: Rule,
    /// What the file says.
    pub found: String,
    /// What was stored instead; empty for nothing.
    pub stored: String,
}

/// The import report.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// Everything that was found, in the order of the files.
    pub list: Vec<Finding>,
    /// Of each file the rows that were read and those that were imported.
    pub files: BTreeMap<&'static str, (u64, u64)>,
}

/// How often one rule was followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// The rule.
    pub rule: Rule,
    /// The file.
    pub file: &'static str,
    /// How many rows.
    pub count: u64,
    /// The first of them.
    pub sample: Vec<u64>,
}

impl Findings {
    /// Adds a finding.
    pub fn add(&mut self, file: &'static str, row: u64, field: &'static str, rule: Rule, found: &str, stored: &str) {
        self.list.push(Finding { file, row, field, rule, found: found.to_owned(), stored: stored.to_owned() });
    }

    /// Counts a row that was read, and whether it was imported.
    pub fn row(&mut self, file: &'static str, imported: bool) {
        let (read, taken) = self.files.entry(file).or_default();
        *read += 1;
        *taken += u64::from(imported);
    }

    /// How often each rule was followed, with the first few rows.
    pub fn tallies(&self) -> Vec<Tally> {
        let mut found: BTreeMap<(Rule, &'static str), Tally> = BTreeMap::new();
        for finding in &self.list {
            let (rule, file) = (finding.rule, finding.file);
            let tally = found.entry((rule, file)).or_insert(Tally { rule, file, count: 0, sample: Vec::new() });
            tally.count += 1;
            if tally.sample.len() < 5 {
                tally.sample.push(finding.row);
            }
        }
        found.into_values().collect()
    }

    /// How often a rule was followed.
    pub fn count(&self, rule: Rule) -> u64 {
        self.list.iter().filter(|finding| finding.rule == rule).count() as u64
    }

    /// How many rows were refused.
    pub fn refused(&self) -> u64 {
        self.files.values().map(|(read, imported)| read - imported).sum()
    }

    /// Refuses a report whose counts do not add up: every row was imported, or refused with a finding of its own.
    pub fn check(&self) -> Result<(), String> {
        for (file, (read, imported)) in &self.files {
            let refused = self.list.iter().filter(|f| f.file == *file && f.rule.action() == Action::Refused).count();
            if *read != *imported + refused as u64 {
                return Err(format!(
                    "`{file}`: {read} rows read, {imported} imported and {refused} refused do not add up"
                ));
            }
        }
        Ok(())
    }

    /// The whole report as CSV, a line for every finding.
    pub fn csv(&self, lang: Lang) -> Result<Vec<u8>, String> {
        let mut out = csv::Writer::from_writer(Vec::new());
        let failed = |error: csv::Error| error.to_string();
        out.write_record(["file", "row", "field", "rule", "action", "found", "stored", "about"]).map_err(failed)?;
        for f in &self.list {
            let (row, action) = (f.row.to_string(), f.rule.action().name(lang));
            out.write_record([f.file, &row, f.field, f.rule.code(), action, &f.found, &f.stored, f.rule.about(lang)])
                .map_err(failed)?;
        }
        out.into_inner().map_err(|error| error.to_string())
    }
}

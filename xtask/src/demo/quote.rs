//! A quote for one open deal, with every step that led to its total.

use crm_core::base::decimal::Dec;
use crm_core::base::reason::Reason;
use crm_core::customers::account::Account;
use crm_core::pipeline::opportunity::Opportunity;
use crm_core::pipeline::requests::OpportunityPage;
use crm_core::pricing::price_book::PriceBook;
use crm_core::quotes::answer::PricedQuote;
use serde_json::json;

use super::engine::Engine;
use super::plan::BOOK;
use super::words::Lang;

/// A priced quote and what it is about.
pub struct Quote {
    /// The deal.
    pub deal: Opportunity,
    /// Its account.
    pub account: Account,
    /// What was priced.
    pub priced: PricedQuote,
    /// Every step, as reasons.
    pub reasons: Vec<Reason>,
}

impl Quote {
    /// Prices 25 units of the product of the first open deal in Engaging that names an account, with a service kit for each.
    pub fn ask(engine: &Engine) -> Result<Self, String> {
        let page: OpportunityPage =
            engine.ask("opportunities.find", &json!({"status": "open", "stage": "engaging"}))?;
        let found = page.items.into_iter().find(|deal| deal.account.is_some() && deal.product.is_some());
        let deal = found.ok_or("no open deal in Engaging names an account and a product")?;
        let account: Account = engine.ask("accounts.get", &json!({"id": deal.account}))?;
        let book: PriceBook = engine.ask("price_books.get", &json!({"id": BOOK}))?;
        let price = |product: &str| -> Result<Dec, String> {
            let entry = book.entries.iter().find(|entry| entry.product.as_str() == product);
            entry.map(|entry| entry.unit_price).ok_or_else(|| format!("the price book has no `{product}`"))
        };
        let product = deal.product.as_ref().map(|id| id.as_str()).unwrap_or_default();
        let extra = "mg-special";
        let answer = engine.explain::<PricedQuote>(
            "quotes.price",
            &json!({
                "currency": book.currency,
                "lines": [
                    {"id": product, "quantity": "25", "unit_price": price(product)?, "discount_percent": "7.5", "tax_percent": "8.25"},
                    {"id": extra, "quantity": "25", "unit_price": price(extra)?, "tax_percent": "8.25"},
                ],
                "discount_percent": "2",
            }),
        )?;
        Ok(Quote { deal, account, priced: answer.value, reasons: answer.reasons })
    }

    /// Every step as a sentence, with how deep it stands.
    pub fn steps(&self, lang: Lang) -> Vec<(usize, String)> {
        let mut steps = Vec::new();
        walk(&self.reasons, 0, lang, &mut steps);
        steps
    }

    /// The way from the list amount to the total; the last part marks where it stands then.
    pub fn waterfall(&self, lang: Lang) -> Vec<(String, Dec, bool)> {
        let q = &self.priced;
        let [list, line, document, tax, total] = lang.pick(
            ["list amount", "line discounts", "document discount", "tax", "total"],
            ["目录金额", "行折扣", "整单折扣", "税额", "总计"],
        );
        let step = |name: &str, value: Dec, total| (name.to_owned(), value, total);
        vec![
            step(list, q.amount, false),
            step(line, q.line_discount.neg(), false),
            step(document, q.document_discount.neg(), false),
            step(tax, q.tax, false),
            step(total, q.total, true),
        ]
    }
}

fn walk(reasons: &[Reason], depth: usize, lang: Lang, into: &mut Vec<(usize, String)>) {
    for reason in reasons {
        into.push((depth, lang.pick(Reason::english as fn(&Reason) -> String, Reason::chinese)(reason)));
        walk(reason.beneath(), depth + 1, lang, into);
    }
}

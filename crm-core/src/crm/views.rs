//! The views of every kind that conditions know, derived from the same fields; see [`crate::store::sql::views`].

use super::fields::{self, catalogue};
use crate::base::error::Result;
use crate::config::Config;
use crate::store::sql::Dialect;
use crate::store::sql::views::View;

/// One view a kind, such as `crm_opportunities`; the custom fields of the configuration are columns such as `custom_tier`.
///
/// # Errors
/// `invalid_configuration`.
///
/// # Example: what a dashboard can read
/// ```
/// use crm_core::config::Config;
/// use crm_core::crm::views::views;
/// use crm_core::store::sql::Dialect;
/// let views = views(Dialect::Postgres, &Config::default())?;
/// let deals = views.iter().find(|view| view.name == "crm_opportunities").unwrap();
/// assert!(deals.text.contains(r#"b."expected_close" AS "expected_close""#));
/// # Ok::<(), crm_core::base::error::Error>(())
/// ```
pub fn views(dialect: Dialect, config: &Config) -> Result<Vec<View>> {
    config.check()?;
    fields::kinds().map(|kind| dialect.view(kind, &catalogue(kind, config)?)).collect()
}

//! The texts of a commit that note the numbers which it gives out.

use super::KEYS;

/// A statement that notes the numbers of its commit.
pub(super) struct Noting {
    /// The text for a commit without numbers.
    pub plain: &'static str,
    /// The text before the numbers.
    pub before: &'static str,
    /// The text after them.
    pub after: &'static str,
}

macro_rules! noting {
    ($before:literal, $after:literal) => {
        Noting { plain: concat!($before, "NULL", $after), before: $before, after: $after }
    };
}

macro_rules! insert {
    ($keys:literal, $markers:literal) => {
        Noting {
            plain: concat!(
                "INSERT INTO crm_record(",
                $keys,
                "schema, body, version, tenant, kind, id, alloc) VALUES(",
                $markers,
                "?, ?, ?, ?, ?, ?, NULL) ON CONFLICT DO NOTHING"
            ),
            before: concat!(
                "INSERT INTO crm_record(",
                $keys,
                "schema, body, version, tenant, kind, id, alloc) VALUES(",
                $markers,
                "?, ?, ?, ?, ?, ?, "
            ),
            after: ") ON CONFLICT DO NOTHING",
        }
    };
}

/// The texts that write a new record, by its number of keys: the columns behind are empty by themselves.
pub(super) static INSERTS: [Noting; KEYS + 1] = [
    insert!("", ""),
    insert!("k1, ", "?, "),
    insert!("k1, k2, ", "?, ?, "),
    insert!("k1, k2, k3, ", "?, ?, ?, "),
    insert!("k1, k2, k3, k4, ", "?, ?, ?, ?, "),
    insert!("k1, k2, k3, k4, k5, ", "?, ?, ?, ?, ?, "),
    insert!("k1, k2, k3, k4, k5, k6, ", "?, ?, ?, ?, ?, ?, "),
    insert!("k1, k2, k3, k4, k5, k6, k7, ", "?, ?, ?, ?, ?, ?, ?, "),
    insert!("k1, k2, k3, k4, k5, k6, k7, k8, ", "?, ?, ?, ?, ?, ?, ?, ?, "),
    insert!("k1, k2, k3, k4, k5, k6, k7, k8, k9, ", "?, ?, ?, ?, ?, ?, ?, ?, ?, "),
    insert!("k1, k2, k3, k4, k5, k6, k7, k8, k9, k10, ", "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "),
    insert!("k1, k2, k3, k4, k5, k6, k7, k8, k9, k10, k11, ", "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "),
    insert!("k1, k2, k3, k4, k5, k6, k7, k8, k9, k10, k11, k12, ", "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "),
];
/// Writes a changed record.
pub(super) const UPDATE: Noting = noting!(
    "UPDATE crm_record SET k1 = ?, k2 = ?, k3 = ?, k4 = ?, k5 = ?, k6 = ?, k7 = ?, k8 = ?, k9 = ?, k10 = ?, k11 = ?, k12 = ?, \
     schema = ?, body = ?, version = ?, alloc = ",
    " WHERE tenant = ? AND kind = ? AND id = ? AND version = ?"
);
/// Writes an event.
pub(super) const EVENT: Noting = noting!("INSERT INTO crm_event(tenant, data, alloc) VALUES(?, ?, ", ")");
/// Writes an event with the number of its transaction.
pub(super) const NUMBERED_EVENT: Noting = noting!(
    "INSERT INTO crm_event(tenant, data, alloc, xid) VALUES(?, ?, ",
    ", CAST(CAST(pg_current_xact_id() AS text) AS bigint) + (SELECT value FROM crm_meta WHERE name = 'xid_base'))"
);
/// Writes the mark of a request.
pub(super) const NOTE: Noting = noting!(
    "INSERT INTO crm_idem(tenant, key, hash, response, at, alloc) VALUES(?, ?, ?, ?, ?, ",
    ") ON CONFLICT DO NOTHING"
);

//! Customers: the accounts that a business sells to. Start at [`account::Account`].

pub mod account;

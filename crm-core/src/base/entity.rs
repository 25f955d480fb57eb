//! What every kind of record has in common, and the macro that declares one.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::canonical::{Fields, canonical};
use super::codes::Code;
use super::custom::CustomFields;
use super::error::{Error, Result};
use super::hint::refused;
use super::id::Id;
use super::json::{Fault, FromJson, FromJsonOwned, Json, Reader, ToJson, Writer};
use super::record::{Body, KeyBytes, Record};
use super::time::Instant;
use super::{order, reader, writer};

/// A kind of record.
pub trait Entity: Clone + PartialEq + ToJson + FromJsonOwned + Send + Sync {
    /// The kind's name, in the singular.
    const KIND: &'static str;
    /// The version of the body's layout.
    const SCHEMA: u32 = 1;
    /// The declared indexes, in the order of [`Entity::keys`].
    const INDEXES: &'static [&'static str];

    /// The record's id.
    fn id(&self) -> &Id;
    /// The version that was read; 0 for one that is not stored yet.
    fn version(&self) -> u64;
    /// When the record came into being, where that is known.
    fn created_at(&self) -> Option<Instant> {
        None
    }
    /// The custom fields; nothing for a kind that takes none.
    fn custom(&self) -> Option<&CustomFields> {
        None
    }
    /// Sets the custom fields, of a kind that takes some.
    fn set_custom(&mut self, custom: CustomFields) {
        let _ = custom;
    }
    /// Sets the version.
    fn set_version(&mut self, version: u64);
    /// The keys of the declared indexes.
    fn keys(&self) -> Vec<KeyBytes>;
    /// Everything that is wrong with the record's fields.
    fn violations(&self) -> Vec<Error>;

    /// Brings a body of layout `from` to layout `from + 1`; called for each step up to [`Entity::SCHEMA`].
    fn upcast(from: u32, body: &mut Map<String, Value>) {
        let _ = (from, body);
    }

    /// The record to store at a version.
    fn to_record(&self, version: u64) -> Record {
        let mut stored = self.clone();
        stored.set_version(0);
        self.with_body(version, Body::write(&stored))
    }

    /// The record to store at a version, with a body that is written already.
    fn with_body(&self, version: u64, body: Body) -> Record {
        Record {
            kind: Self::KIND.to_owned(),
            id: self.id().clone(),
            version,
            schema: Self::SCHEMA,
            keys: self.keys(),
            body,
            numbers: Default::default(),
        }
    }

    /// Reads a stored record; one of an older layout is brought up to date.
    ///
    /// # Errors
    /// `record_from_newer_engine`, `corrupt_record`.
    fn from_record(record: &Record) -> Result<Self> {
        let body = present(record, Self::SCHEMA, Self::upcast)?;
        let read: std::result::Result<Self, _> = reader::from_str(body.text());
        let mut read = read.map_err(|e| corrupt(record).with("reason", refused(body.text(), &e)))?;
        if *read.id() != record.id {
            return Err(corrupt(record));
        }
        read.set_version(record.version);
        Ok(read)
    }
}

/// How the bodies of a kind are read, without its type.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// The kind's name.
    pub kind: &'static str,
    /// The version of the body's layout.
    pub schema: u32,
    /// Brings a body of layout `from` to layout `from + 1`.
    pub upcast: fn(u32, &mut Map<String, Value>),
}

impl Layout {
    /// That of a type.
    pub const fn of<E: Entity>() -> Self {
        Layout { kind: E::KIND, schema: E::SCHEMA, upcast: E::upcast }
    }

    /// A record's body in this layout.
    ///
    /// # Errors
    /// As [`present`].
    pub fn body(self, record: &Record) -> Result<std::borrow::Cow<'_, Body>> {
        present(record, self.schema, self.upcast)
    }
}

/// A record as its kind's type holds it, whatever the type: what is done with records of every kind is compiled once.
pub trait Held: Send + Sync {
    /// How its kind's bodies are read.
    fn layout(&self) -> Layout;
    /// The record's id.
    fn id(&self) -> &Id;
    /// The version that was read.
    fn version(&self) -> u64;
    /// The custom fields.
    fn custom(&self) -> Option<&CustomFields>;
    /// Everything that is wrong with the record's fields.
    fn violations(&self) -> Vec<Error>;
    /// The record to store at a version.
    fn to_record(&self, version: u64) -> Record;
    /// The record to store at a version, with a body that is written already.
    fn with_body(&self, version: u64, body: Body) -> Record;
    /// As it writes itself.
    fn json(&self) -> &dyn ToJson;
    /// The fields in which another value differs from a stored record, where that is not what this one was read from.
    ///
    /// # Errors
    /// As [`Entity::from_record`].
    fn differs(&self, stored: &Record, new: &dyn ToJson) -> Result<Option<Fields>>;
}

impl<E: Entity> Held for E {
    fn layout(&self) -> Layout {
        Layout::of::<E>()
    }

    fn id(&self) -> &Id {
        Entity::id(self)
    }

    fn version(&self) -> u64 {
        Entity::version(self)
    }

    fn custom(&self) -> Option<&CustomFields> {
        Entity::custom(self)
    }

    fn violations(&self) -> Vec<Error> {
        Entity::violations(self)
    }

    fn to_record(&self, version: u64) -> Record {
        Entity::to_record(self, version)
    }

    fn with_body(&self, version: u64, body: Body) -> Record {
        Entity::with_body(self, version, body)
    }

    fn json(&self) -> &dyn ToJson {
        self
    }

    fn differs(&self, stored: &Record, new: &dyn ToJson) -> Result<Option<Fields>> {
        let stands = E::from_record(stored)?;
        Ok((*self != stands).then(|| changed(Some(&stands), new)))
    }
}

fn corrupt(record: &Record) -> Error {
    Error::new(Code::CorruptRecord).with("kind", record.kind.clone()).with("id", record.id.as_str())
}

/// A record's body in the layout `schema`.
///
/// # Errors
/// `record_from_newer_engine`, `corrupt_record`.
pub fn present(
    record: &Record,
    schema: u32,
    upcast: fn(u32, &mut Map<String, Value>),
) -> Result<std::borrow::Cow<'_, Body>> {
    if record.schema > schema {
        let error = Error::new(Code::RecordFromNewerEngine).with("kind", record.kind.clone());
        return Err(error.with("id", record.id.as_str()).with("schema", record.schema));
    }
    if record.schema == schema {
        return Ok(std::borrow::Cow::Borrowed(&record.body));
    }
    let body: std::result::Result<Map<String, Value>, _> = reader::from_str(record.body.text());
    let mut body = body.map_err(|e| corrupt(record).with("reason", refused(record.body.text(), &e)))?;
    (record.schema..schema).for_each(|from| upcast(from, &mut body));
    Ok(std::borrow::Cow::Owned(Body::write(&body)))
}

/// The body of a changed record: the old one with the changed fields written over it, so that fields which this engine does not know
/// stay as they were.
///
/// # Errors
/// `corrupt_record` when the old body is not an object.
pub fn rewritten(record: &Record, old: &Body, changed: &Fields) -> Result<Body> {
    let fields: std::result::Result<BTreeMap<String, Json>, _> = reader::from_str(old.text());
    let mut fields = fields.map_err(|e| corrupt(record).with("reason", refused(old.text(), &e)))?;
    for (name, value) in changed {
        match value {
            Value::Null => fields.remove(name),
            value => fields.insert(name.clone(), writer::to_json(value)),
        };
    }
    Ok(Body::write(&fields))
}

/// A request that creates a record.
pub trait Creates {
    /// What it creates.
    type Entity: Entity;
    /// The id and the effective time, where the caller gave them.
    fn given(&self) -> (Option<Id>, Option<Instant>);
    /// The new record.
    fn make(&self, id: Id, at: Instant) -> Self::Entity;
}

/// A request that changes a record.
pub trait Updates {
    /// What it changes.
    type Entity: Entity;
    /// The id, and the effective time where the caller gave one.
    fn given(&self) -> (&Id, Option<Instant>);
    /// Writes the given fields into the record.
    fn apply(&self, to: &mut Self::Entity);
    /// Notes when the record was changed.
    fn touch(to: &mut Self::Entity, at: Instant);
}

/// The fields of a body as a map; empty for what is not an object.
pub fn fields(value: &dyn ToJson) -> Fields {
    match writer::to_value(value) {
        Value::Object(map) => order::map(map.into_iter().map(|(name, value)| (name, canonical(value)))),
        _ => Fields::new(),
    }
}

/// The fields in which two bodies differ, with the new values; a field that is gone is null.
pub fn changed(old: Option<&dyn ToJson>, new: &dyn ToJson) -> Fields {
    differences(old.map(fields).unwrap_or_default(), fields(new))
}

fn differences(mut before: Fields, after: Fields) -> Fields {
    let mut out = Fields::new();
    for (name, value) in after {
        if before.remove(&name).as_ref() != Some(&value) {
            out.insert(name, value);
        }
    }
    for name in before.into_keys() {
        out.insert(name, Value::Null);
    }
    out.remove("version");
    out
}

/// What an update does to one field: nothing when it is left out, empty it when it is null, set it otherwise.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Set<T> {
    /// The field stays as it is.
    #[default]
    Keep,
    /// The field is emptied.
    Clear,
    /// The field gets this value.
    To(T),
}

impl<T: Clone> Set<T> {
    /// Says whether the field stays as it is.
    pub fn is_keep(&self) -> bool {
        matches!(self, Set::Keep)
    }

    /// Applies the change to a field.
    pub fn apply(&self, field: &mut Option<T>) {
        match self {
            Set::Keep => {}
            Set::Clear => *field = None,
            Set::To(value) => *field = Some(value.clone()),
        }
    }
}

impl<T: ToJson> ToJson for Set<T> {
    fn to_json(&self, writer: &mut Writer) {
        match self {
            Set::To(value) => value.to_json(writer),
            _ => writer.push("null"),
        }
    }
}

impl<'de, T: FromJson<'de>> FromJson<'de> for Set<T> {
    fn from_json(reader: &mut Reader<'de>) -> std::result::Result<Self, Fault> {
        Ok(Option::<T>::from_json(reader)?.map_or(Set::Clear, Set::To))
    }
}

impl<T: Serialize> Serialize for Set<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Set::To(value) => serializer.serialize_some(value),
            _ => serializer.serialize_none(),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Set<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        Ok(Option::<T>::deserialize(deserializer)?.map_or(Set::Clear, Set::To))
    }
}

#[cfg(feature = "schema")]
impl<T: schemars::JsonSchema> schemars::JsonSchema for Set<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Set_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Option::<T>::json_schema(generator)
    }
}

/// A required field of an update: left out it stays, and it cannot be emptied.
#[derive(Clone, Debug, PartialEq)]
pub struct Given<T>(pub Option<T>);

impl<T> Default for Given<T> {
    fn default() -> Self {
        Given(None)
    }
}

impl<T> Given<T> {
    /// Says whether the field was left out.
    pub fn is_none(&self) -> bool {
        self.0.is_none()
    }
}

impl<T: ToJson> ToJson for Given<T> {
    fn to_json(&self, writer: &mut Writer) {
        self.0.to_json(writer);
    }
}

impl<'de, T: FromJson<'de>> FromJson<'de> for Given<T> {
    fn from_json(reader: &mut Reader<'de>) -> std::result::Result<Self, Fault> {
        T::from_json(reader).map(|value| Given(Some(value)))
    }
}

impl<T: Serialize> Serialize for Given<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Given<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        T::deserialize(deserializer).map(|value| Given(Some(value)))
    }
}

#[cfg(feature = "schema")]
impl<T: schemars::JsonSchema> schemars::JsonSchema for Given<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        generator.subschema_for::<T>()
    }
}

/// Serde's question whether a version is still unset.
pub fn unset(version: &u64) -> bool {
    *version == 0
}

/// Declares a kind of record: its struct, the request that creates one and the request that changes one.
///
/// `required` fields must be given at creation and cannot be emptied; `optional` ones may be absent. The engine's own fields
/// (`id`, `version`, `created_at`, `updated_at`) are added.
#[macro_export]
#[doc(hidden)]
macro_rules! entity {
    (
        $(#[$doc:meta])* $name:ident, $new:ident, $update:ident;
        required { $($(#[$rdoc:meta])* $rfield:ident: $rtype:ty,)* }
        optional { $($(#[$odoc:meta])* $ofield:ident: $otype:ty,)* }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, $crate::base::json::ToJson, $crate::base::json::FromJson)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub struct $name {
            /// The id.
            pub id: $crate::base::id::Id,
            /// Counts the changes from 1.
            #[serde(default, skip_serializing_if = "crate::base::entity::unset")]
            pub version: u64,
            $($(#[$rdoc])* pub $rfield: $rtype,)*
            $($(#[$odoc])* #[serde(default, skip_serializing_if = "Option::is_none")] pub $ofield: Option<$otype>,)*
            /// The custom fields, by their ids.
            #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
            pub custom: std::collections::BTreeMap<String, $crate::base::custom::CustomValue>,
            /// When it came into being.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub created_at: Option<$crate::base::time::Instant>,
            /// When it was last changed.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub updated_at: Option<$crate::base::time::Instant>,
        }

        #[doc = concat!("What is given to create a [`", stringify!($name), "`].")]
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, $crate::base::json::ToJson, $crate::base::json::FromJson)]
        #[serde(deny_unknown_fields)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub struct $new {
            /// The id, if the host has one of its own; otherwise the engine makes a UUID.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub id: Option<$crate::base::id::Id>,
            $($(#[$rdoc])* pub $rfield: $rtype,)*
            $($(#[$odoc])* #[serde(default, skip_serializing_if = "Option::is_none")] pub $ofield: Option<$otype>,)*
            /// The custom fields, by their ids.
            #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
            pub custom: std::collections::BTreeMap<String, $crate::base::custom::CustomValue>,
            /// When it takes effect; the context's `now` by default.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub effective_at: Option<$crate::base::time::Instant>,
        }

        #[doc = concat!("What is given to change a [`", stringify!($name), "`]: a field left out stays, null empties it.")]
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, $crate::base::json::ToJson, $crate::base::json::FromJson)]
        #[serde(deny_unknown_fields)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub struct $update {
            /// Which one.
            pub id: $crate::base::id::Id,
            $($(#[$rdoc])* #[serde(default, skip_serializing_if = "crate::base::entity::Given::is_none")] pub $rfield: $crate::base::entity::Given<$rtype>,)*
            $($(#[$odoc])* #[serde(default, skip_serializing_if = "crate::base::entity::Set::is_keep")] pub $ofield: $crate::base::entity::Set<$otype>,)*
            /// Changes of custom fields, by their ids: one left out stays, null empties it.
            #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
            pub custom: std::collections::BTreeMap<String, Option<$crate::base::custom::CustomValue>>,
            /// When it takes effect; the context's `now` by default.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub effective_at: Option<$crate::base::time::Instant>,
        }

        impl $name {
            /// The fields that a host may fill in.
            pub const FIELDS: &'static [&'static str] = &[$(stringify!($rfield),)* $(stringify!($ofield),)*];
        }

        impl $crate::base::entity::Creates for $new {
            type Entity = $name;

            fn given(&self) -> (Option<$crate::base::id::Id>, Option<$crate::base::time::Instant>) {
                (self.id.clone(), self.effective_at)
            }

            fn make(&self, id: $crate::base::id::Id, at: $crate::base::time::Instant) -> $name {
                $name {
                    id,
                    version: 0,
                    $($rfield: self.$rfield.clone(),)*
                    $($ofield: self.$ofield.clone(),)*
                    custom: self.custom.clone(),
                    created_at: Some(at),
                    updated_at: Some(at),
                }
            }
        }

        impl $crate::base::entity::Updates for $update {
            type Entity = $name;

            fn given(&self) -> (&$crate::base::id::Id, Option<$crate::base::time::Instant>) {
                (&self.id, self.effective_at)
            }

            fn apply(&self, to: &mut $name) {
                $(if let Some(value) = &self.$rfield.0 { to.$rfield = value.clone(); })*
                $(self.$ofield.apply(&mut to.$ofield);)*
                $crate::base::custom::apply(&self.custom, &mut to.custom);
            }

            fn touch(to: &mut $name, at: $crate::base::time::Instant) {
                to.updated_at = to.updated_at.max(Some(at));
            }
        }
    };
}

/// Implements the parts of [`Entity`] that do not differ.
#[macro_export]
#[doc(hidden)]
macro_rules! entity_basics {
    (created_at, custom) => {
        $crate::entity_basics!(created_at);

        fn custom(&self) -> Option<&$crate::base::custom::CustomFields> {
            Some(&self.custom)
        }

        fn set_custom(&mut self, custom: $crate::base::custom::CustomFields) {
            self.custom = custom;
        }
    };
    (created_at) => {
        $crate::entity_basics!();

        fn created_at(&self) -> Option<$crate::base::time::Instant> {
            self.created_at
        }
    };
    () => {
        fn id(&self) -> &$crate::base::id::Id {
            &self.id
        }

        fn version(&self) -> u64 {
            self.version
        }

        fn set_version(&mut self, version: u64) {
            self.version = version;
        }
    };
}

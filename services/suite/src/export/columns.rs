//! What stands in a row of a table. New columns come at the end: readers count on the places of the others.

/// What a column holds, and how it is made of the JSON of a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A text as it is.
    Text,
    /// A name of the contract without what all of its kind begin with: a map of an import takes it so.
    Name(&'static str),
    /// A number; zero where what it belongs to is there and says nothing else.
    Number,
    /// Yes or no.
    Flag,
    /// A moment: RFC 3339 in CSV, microseconds of UTC in Parquet.
    Time,
    /// Anything in the JSON of the contract.
    Json,
    /// The plain texts among parts, a line each.
    Said,
}

/// A column.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// Where it is in the JSON of a contact: the first that is there counts.
    pub(super) at: &'static [&'static str],
}

const fn column(name: &'static str, kind: Kind, at: &'static [&'static str]) -> Column {
    Column { name, kind, at }
}

/// What is said now: by the latest edit, else what was said first.
const PARTS: &[&str] = &["/state/parts", "/input/parts"];

/// The table, in its order.
pub(super) const COLUMNS: &[Column] = &[
    column("id", Kind::Text, &["/id"]),
    column("connector", Kind::Text, &["/connector"]),
    column("external_id", Kind::Text, &["/input/external_id"]),
    column("kind", Kind::Name("INTERACTION_KIND_"), &["/input/kind"]),
    column("channel", Kind::Name("CHANNEL_"), &["/input/channel"]),
    column("provider", Kind::Text, &["/input/provider"]),
    column("direction", Kind::Name("DIRECTION_"), &["/input/direction"]),
    column("purpose", Kind::Name("PURPOSE_"), &["/input/purpose"]),
    column("event_time", Kind::Time, &["/input/event_time"]),
    column("receive_time", Kind::Time, &["/receive_time"]),
    column("end_time", Kind::Time, &["/end_time"]),
    column(
        "end_reason",
        Kind::Name("CONTACT_END_REASON_"),
        &["/end_reason"],
    ),
    column("conversation_id", Kind::Text, &["/conversation_id"]),
    column(
        "conversation_position",
        Kind::Number,
        &["/conversation_position"],
    ),
    column("customer_id", Kind::Text, &["/customer/customer_id"]),
    column("record_id", Kind::Text, &["/customer/record_id"]),
    column("link_state", Kind::Name("LINK_STATE_"), &["/link_state"]),
    column("asks_for_agent", Kind::Flag, &["/asks_for_agent"]),
    column("history", Kind::Flag, &["/input/history"]),
    column("automatic", Kind::Flag, &["/input/automatic"]),
    column("language", Kind::Text, &["/input/hints/language"]),
    column("subject", Kind::Text, &["/input/subject"]),
    column("text", Kind::Said, PARTS),
    column("parts", Kind::Json, PARTS),
    column("participants", Kind::Json, &["/input/participants"]),
    column("attributes", Kind::Json, &["/input/attributes"]),
    column("order_id", Kind::Text, &["/input/order/order_id"]),
    column(
        "order_total_units",
        Kind::Number,
        &["/input/order/total/units"],
    ),
    column("order_total_code", Kind::Text, &["/input/order/total/code"]),
    column(
        "order_total_exponent",
        Kind::Number,
        &["/input/order/total/exponent"],
    ),
    column("order_lines", Kind::Json, &["/input/order/lines"]),
    column("disposition", Kind::Text, &["/state/disposition/code"]),
    column("edit_time", Kind::Time, &["/state/edit_time"]),
    column("delete_time", Kind::Time, &["/state/delete_time"]),
    column("fact_count", Kind::Number, &["/state/fact_count"]),
    column("state", Kind::Json, &["/state"]),
    column("outbound_id", Kind::Text, &["/outbound/id"]),
    column(
        "outbound_state",
        Kind::Name("OUTBOUND_STATE_"),
        &["/outbound/state"],
    ),
];

//! A contact as a line of NDJSON, or as the cells of a row.

use prost::Message as _;
use prost_reflect::{DynamicMessage, MessageDescriptor, SerializeOptions};
use rapport_proto::interactions::v1::Interaction;
use serde_json::Value;

use super::columns::{Column, Kind};
use super::run::Error;

/// Makes JSON of contacts, as the contract and `rapport call` write it.
pub(super) struct Writer {
    kind: MessageDescriptor,
    options: SerializeOptions,
}

/// What stands in one cell.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    Text(String),
    Number(i64),
    Flag(bool),
    /// Microseconds since 1970, and the same in words.
    Time(i64, String),
}

impl Writer {
    pub(super) fn new() -> Result<Self, Error> {
        let name = "rapport.interactions.v1.Interaction";
        let kind = rapport_proto::pool().get_message_by_name(name);
        Ok(Writer {
            kind: kind.ok_or_else(|| Error::Row(format!("the contracts lack {name}")))?,
            options: SerializeOptions::new()
                .use_proto_field_name(true)
                .skip_default_fields(true),
        })
    }

    /// A line without its end.
    pub(super) fn line(&self, one: &Interaction) -> Result<Vec<u8>, Error> {
        let mut line = Vec::new();
        let mut writer = serde_json::Serializer::new(&mut line);
        self.dynamic(one)?
            .serialize_with_options(&mut writer, &self.options)
            .map_err(unwritable)?;
        Ok(line)
    }

    /// The same to take cells from.
    pub(super) fn value(&self, one: &Interaction) -> Result<Value, Error> {
        self.dynamic(one)?
            .serialize_with_options(serde_json::value::Serializer, &self.options)
            .map_err(unwritable)
    }

    fn dynamic(&self, one: &Interaction) -> Result<DynamicMessage, Error> {
        let bytes = one.encode_to_vec();
        DynamicMessage::decode(self.kind.clone(), bytes.as_slice()).map_err(unwritable)
    }
}

fn unwritable(error: impl std::fmt::Display) -> Error {
    Error::Row(error.to_string())
}

/// The cell of a column; none where nothing is known.
pub(super) fn cell(contact: &Value, column: &Column) -> Option<Cell> {
    let found = column.at.iter().find_map(|at| contact.pointer(at));
    match column.kind {
        Kind::Text => Some(Cell::Text(found?.as_str()?.to_owned())),
        Kind::Name(prefix) => Some(Cell::Text(name(found?, prefix))),
        Kind::Number => number(contact, column, found).map(Cell::Number),
        Kind::Flag => Some(Cell::Flag(found.and_then(Value::as_bool).unwrap_or(false))),
        Kind::Time => {
            let text = found?.as_str()?;
            let at = chrono::DateTime::parse_from_rfc3339(text).ok()?;
            Some(Cell::Time(at.timestamp_micros(), text.to_owned()))
        }
        Kind::Json => Some(Cell::Text(found?.to_string())),
        Kind::Said => said(found?).map(Cell::Text),
    }
}

/// A name that this program does not know yet is a number.
fn name(value: &Value, prefix: &str) -> String {
    match value.as_str() {
        Some(name) => name.strip_prefix(prefix).unwrap_or(name).to_owned(),
        None => value.to_string(),
    }
}

/// JSON of the contract writes large numbers as texts, and leaves zeros out.
fn number(contact: &Value, column: &Column, found: Option<&Value>) -> Option<i64> {
    match found {
        Some(Value::String(text)) => text.parse().ok(),
        Some(value) => value.as_i64(),
        None => {
            let (parent, _) = column.at.first()?.rsplit_once('/')?;
            contact.pointer(parent).map(|_| 0)
        }
    }
}

fn said(parts: &Value) -> Option<String> {
    let texts = parts
        .as_array()?
        .iter()
        .filter_map(|part| part["text"].as_str());
    let texts: Vec<&str> = texts.collect();
    (!texts.is_empty()).then(|| texts.join("\n"))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
pub(super) mod tests {
    use rapport_proto::interactions::v1::{
        InteractionInput, InteractionState, Part, part::Content,
    };
    use rapport_proto::types::v1::{Amount, Channel, CustomerRef, Order};

    use super::super::columns::COLUMNS;
    use super::*;

    fn text(text: &str) -> Part {
        Part {
            content: Some(Content::Text(text.into())),
            ..Part::default()
        }
    }

    /// A contact that has something to say in every kind of column.
    pub(in super::super) fn contact(number: i64) -> Interaction {
        Interaction {
            id: format!("int_{number}"),
            connector: "shop".into(),
            input: Some(InteractionInput {
                external_id: format!("m-{number}"),
                channel: Channel::Store.into(),
                event_time: Some(prost_types::Timestamp {
                    seconds: 1_700_000_000 + number,
                    nanos: 250_000_000,
                }),
                history: number % 2 == 0,
                parts: vec![text("Halo, \"Ana\"\nkedua")],
                order: Some(Order {
                    order_id: "o-1".into(),
                    total: Some(Amount {
                        units: 9_007_199_254_740_993,
                        code: "IDR".into(),
                        exponent: 0,
                    }),
                    lines: vec![],
                }),
                ..InteractionInput::default()
            }),
            customer: (number % 3 == 0).then(|| CustomerRef {
                customer_id: "cus_1".into(),
                record_id: "rec_1".into(),
            }),
            conversation_position: number,
            ..Interaction::default()
        }
    }

    fn cells(one: &Interaction) -> impl Fn(&str) -> Option<Cell> + use<> {
        let value = Writer::new().unwrap().value(one).unwrap();
        move |name| {
            let column = COLUMNS.iter().find(|column| column.name == name).unwrap();
            cell(&value, column)
        }
    }

    #[test]
    fn a_row_holds_what_is_known_and_leaves_open_what_is_not() {
        let cell = cells(&contact(3));
        let text = |text: &str| Some(Cell::Text(text.into()));
        assert_eq!(cell("external_id"), text("m-3"));
        assert_eq!(cell("channel"), text("STORE"));
        assert_eq!(cell("purpose"), None);
        assert_eq!(cell("history"), Some(Cell::Flag(false)));
        assert_eq!(cell("customer_id"), text("cus_1"));
        assert_eq!(cell("text"), text("Halo, \"Ana\"\nkedua"));
        // A number that no floating point number holds.
        let units = Some(Cell::Number(9_007_199_254_740_993));
        assert_eq!(cell("order_total_units"), units);
        assert_eq!(cell("order_total_exponent"), Some(Cell::Number(0)));
        assert_eq!(cell("fact_count"), None);
        let moment = "2023-11-14T22:13:23.250Z".to_owned();
        assert_eq!(
            cell("event_time"),
            Some(Cell::Time(1_700_000_003_250_000, moment))
        );
        assert_eq!(cell("end_time"), None);
    }

    #[test]
    fn what_was_edited_is_shown_as_it_is_now_and_unknown_names_are_numbers() {
        let mut one = contact(1);
        one.state = Some(InteractionState {
            parts: vec![text("now")],
            fact_count: 1,
            ..InteractionState::default()
        });
        one.input.as_mut().unwrap().channel = 4711;
        let cell = cells(&one);
        assert_eq!(cell("text"), Some(Cell::Text("now".into())));
        assert_eq!(cell("channel"), Some(Cell::Text("4711".into())));
        assert_eq!(cell("fact_count"), Some(Cell::Number(1)));
        let parts = cell("parts").unwrap();
        assert_eq!(parts, Cell::Text("[{\"text\":\"now\"}]".into()));
    }

    #[test]
    fn every_column_is_where_the_contract_has_it() {
        let kind = Writer::new().unwrap().kind;
        for column in COLUMNS {
            for at in column.at {
                let mut message = Some(kind.clone());
                for step in at.split('/').skip(1) {
                    let field = message.and_then(|message| message.get_field_by_name(step));
                    let field = field.unwrap_or_else(|| panic!("{}: no {step}", column.name));
                    message = field.kind().as_message().cloned();
                }
            }
        }
    }
}

//! Writes, for every message of ours, which of its fields name resources.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

use heck::{ToSnakeCase as _, ToUpperCamelCase as _};
use protox::prost_reflect::{
    Cardinality, DescriptorPool, ExtensionDescriptor, FieldDescriptor, Kind, MessageDescriptor,
    OneofDescriptor, Value,
};

const OURS: &str = "rapport.";

/// The implementations of `Touches` for all messages of the contracts.
pub fn implementations(pool: &DescriptorPool) -> String {
    let asks: BTreeSet<String> = pool
        .services()
        .flat_map(|service| service.methods().collect::<Vec<_>>())
        .map(|method| method.input().full_name().to_owned())
        .collect();
    let mut walk = Walk {
        personal: pool.get_extension_by_name("rapport.options.v1.personal"),
        names: HashMap::new(),
    };
    let mut code = String::new();
    for message in pool.all_messages().filter(is_ours) {
        let body = walk.body(&message);
        let to = if body.is_empty() { "_" } else { "to" };
        let _ = write!(
            code,
            "impl crate::touched::Touches for {path} {{\n\
             const ASKS: bool = {asks};\n\
             fn touches(&self, {to}: &mut dyn crate::touched::Collector) {{\n{body}}}\n}}\n",
            path = path(&message),
            asks = asks.contains(message.full_name()),
        );
    }
    code
}

fn is_ours(message: &MessageDescriptor) -> bool {
    message.full_name().starts_with(OURS) && !message.is_map_entry()
}

struct Walk {
    personal: Option<ExtensionDescriptor>,
    /// Whether a message names resources anywhere in it; messages that do not are not walked.
    names: HashMap<String, bool>,
}

impl Walk {
    fn body(&mut self, message: &MessageDescriptor) -> String {
        let mut body = String::new();
        for field in message.fields() {
            if field
                .containing_oneof()
                .is_none_or(|one| one.is_synthetic())
            {
                body += &self.line(&field);
            }
        }
        for one in message.oneofs().filter(|one| !one.is_synthetic()) {
            for field in one.fields() {
                body += &self.choice(message, &one, &field);
            }
        }
        body
    }

    /// One field that stands for itself.
    fn line(&mut self, field: &FieldDescriptor) -> String {
        let name = field.name().to_snake_case();
        let Some(act) = self.value(field) else {
            return String::new();
        };
        if field.is_map() {
            return format!("for value in self.{name}.values() {{ {act} }}\n");
        }
        let optional = field.cardinality() == Cardinality::Optional && field.supports_presence();
        if field.is_list() {
            return format!("for value in &self.{name} {{ {act} }}\n");
        }
        if optional {
            return format!("if let Some(value) = &self.{name} {{ {act} }}\n");
        }
        format!("{{ let value = &self.{name}; {act} }}\n")
    }

    /// One choice of a oneof.
    fn choice(
        &mut self,
        message: &MessageDescriptor,
        one: &OneofDescriptor,
        field: &FieldDescriptor,
    ) -> String {
        let Some(act) = self.value(field) else {
            return String::new();
        };
        let (of, name) = (module(message), one.name().to_snake_case());
        let one = one.name().to_upper_camel_case();
        let choice = field.name().to_upper_camel_case();
        format!("if let Some({of}::{one}::{choice}(value)) = &self.{name} {{ {act} }}\n")
    }

    /// What to do with a value of the field; nothing when it names no resource.
    fn value(&mut self, field: &FieldDescriptor) -> Option<String> {
        let kind = match field.kind() {
            Kind::Message(entry) if entry.is_map_entry() => entry.map_entry_value_field().kind(),
            kind => kind,
        };
        match kind {
            Kind::String if self.is_an_id(field) => Some("to.note(value);".to_owned()),
            Kind::Message(message) if self.names_resources(&message) => {
                Some("value.touches(to);".to_owned())
            }
            _ => None,
        }
    }

    /// `id`, `customer_id`, `queue_ids`; not what callers number their calls and contacts by, and nothing personal.
    fn is_an_id(&self, field: &FieldDescriptor) -> bool {
        let name = field.name();
        let named = name == "id" || name.ends_with("_id") || name.ends_with("_ids");
        let foreign = ["request_id", "external_id"].contains(&name);
        let personal = self.personal.as_ref().is_some_and(|personal| {
            matches!(
                field.options().get_extension(personal).as_ref(),
                Value::Bool(true)
            )
        });
        named && !foreign && !personal && !field.is_map()
    }

    fn names_resources(&mut self, message: &MessageDescriptor) -> bool {
        if !is_ours(message) {
            return false;
        }
        if let Some(known) = self.names.get(message.full_name()) {
            return *known;
        }
        // A message inside itself adds nothing that it does not name elsewhere.
        self.names.insert(message.full_name().to_owned(), false);
        let names = message
            .fields()
            .collect::<Vec<_>>()
            .iter()
            .any(|field| self.value(field).is_some());
        self.names.insert(message.full_name().to_owned(), names);
        names
    }
}

/// `rapport.profiles.v1.Customer` → `crate::profiles::v1::Customer`; inside a message, its module.
fn path(message: &MessageDescriptor) -> String {
    let parent = match message.parent_message() {
        Some(parent) => module(&parent),
        None => package(message),
    };
    format!("{parent}::{}", message.name().to_upper_camel_case())
}

/// The module of what is defined inside a message.
fn module(message: &MessageDescriptor) -> String {
    let parent = match message.parent_message() {
        Some(parent) => module(&parent),
        None => package(message),
    };
    format!("{parent}::{}", message.name().to_snake_case())
}

fn package(message: &MessageDescriptor) -> String {
    let inside = message.package_name().trim_start_matches(OURS);
    format!("crate::{}", inside.replace('.', "::"))
}

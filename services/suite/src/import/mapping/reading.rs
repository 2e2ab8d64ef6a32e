//! The values of one row, and everything that is wrong with them.

use std::collections::HashSet;

use rapport_proto::types::v1 as types;

use super::super::field::Field;
use super::super::row::Row;
use super::super::value::{self, Named};
use super::{Identifier, Order};

/// Reads the values of one row and keeps what is wrong.
pub(super) struct Reading<'a> {
    pub(super) row: &'a Row,
    pub(super) missing: &'a HashSet<String>,
    pub(super) faults: Vec<String>,
}

impl Reading<'_> {
    pub(super) fn keep<T>(&mut self, name: &str, outcome: Option<Result<T, String>>) -> Option<T> {
        match outcome? {
            Ok(value) => Some(value),
            Err(fault) => {
                self.faults.push(format!("{name}: {fault}"));
                None
            }
        }
    }

    pub(super) fn optional(&mut self, name: &str, field: Option<&Field>) -> Option<String> {
        let value = field?.value(self.row, self.missing).transpose();
        self.keep(name, value)
    }

    pub(super) fn required(&mut self, name: &str, field: &Field) -> Option<String> {
        let before = self.faults.len();
        let value = self.optional(name, Some(field));
        if value.is_none() && self.faults.len() == before {
            self.faults.push(format!("{name}: the value is missing"));
        }
        value
    }

    pub(super) fn text(&mut self, name: &str, field: Option<&Field>) -> String {
        self.optional(name, field).unwrap_or_default()
    }

    pub(super) fn named<N: Named>(
        &mut self,
        name: &str,
        field: Option<&Field>,
        required: bool,
    ) -> i32 {
        let Some(field) = field else { return 0 };
        let text = match required {
            true => self.required(name, field),
            false => self.optional(name, Some(field)),
        };
        self.keep(name, text.map(|text| value::named::<N>(&text)))
            .unwrap_or(0)
    }

    pub(super) fn identifier(&mut self, identifier: &Identifier) -> Option<types::Identifier> {
        let value = self.optional("identifier.value", Some(&identifier.value))?;
        Some(types::Identifier {
            r#type: self.named::<types::IdentifierType>(
                "identifier.type",
                Some(&identifier.kind),
                true,
            ),
            value,
            namespace: self.text("identifier.namespace", identifier.namespace.as_ref()),
        })
    }

    pub(super) fn order(&mut self, order: &Order) -> Option<types::Order> {
        let order_id = self.optional("order.id", Some(&order.id))?;
        let total = self.required("order.total", &order.total);
        let total = total.map(|text| value::units(&text, order.exponent));
        Some(types::Order {
            order_id,
            total: Some(types::Amount {
                units: self.keep("order.total", total)?,
                code: self.required("order.currency", &order.currency)?,
                exponent: i32::from(order.exponent),
            }),
            lines: Vec::new(),
        })
    }
}

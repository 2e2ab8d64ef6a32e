//! The fields of a map bound to a file, and everything in them that does not fit.

use super::super::field::{Binding, Field};
use super::super::map::{ColumnSpec, FieldSpec, FieldTable};
use super::super::value::{self, Named};

/// Binds field after field and keeps what is wrong.
pub(super) struct Binder<'a> {
    pub(super) binding: Binding<'a>,
    pub(super) faults: Vec<String>,
}

impl Binder<'_> {
    pub(super) fn field(&mut self, name: &str, spec: &FieldSpec) -> Option<Field> {
        match Field::bind(spec, &self.binding) {
            Ok(field) => Some(field),
            Err(fault) => {
                self.faults.push(format!("{name}: {fault}"));
                None
            }
        }
    }

    pub(super) fn optional(&mut self, name: &str, spec: Option<&FieldSpec>) -> Option<Field> {
        spec.and_then(|spec| self.field(name, spec))
    }

    pub(super) fn column(&mut self, name: &str, spec: &ColumnSpec) -> Option<Field> {
        let table = FieldTable {
            column: Some(spec.clone()),
            ..FieldTable::default()
        };
        self.field(name, &FieldSpec::Table(table))
    }

    /// A field whose spelled-out values must be names of the contract.
    pub(super) fn named<N: Named>(&mut self, name: &str, spec: &FieldSpec) -> Option<Field> {
        let field = self.field(name, spec)?;
        let faults = field
            .spelled_out()
            .into_iter()
            .filter_map(|text| value::named::<N>(text).err());
        self.faults
            .extend(faults.map(|fault| format!("{name}: {fault}")));
        Some(field)
    }

    pub(super) fn optional_named<N: Named>(
        &mut self,
        name: &str,
        spec: Option<&FieldSpec>,
    ) -> Option<Field> {
        spec.and_then(|spec| self.named::<N>(name, spec))
    }
}

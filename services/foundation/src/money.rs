//! Amounts of money and points: whole units of a code with a stored exponent. Never floats.

/// `units` × 10^-`exponent` of `code`. The exponent is stored because practice differs from ISO 4217
/// (rupiah shops use none).
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Amount {
    /// The count of the smallest unit in use.
    pub units: i64,
    /// The currency (ISO 4217) or the programme's own unit, such as `PTS`.
    pub code: String,
    /// Decimal places: 2 means that `units` are hundredths.
    pub exponent: i16,
}

/// Why two amounts cannot be combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Another code or another exponent: nothing is exchanged or rescaled silently.
    #[error("the amounts are of different kinds")]
    Mismatch,
    /// The result does not fit into 64 bits.
    #[error("the amount is out of range")]
    Overflow,
}

impl Amount {
    /// An amount of this kind.
    #[must_use]
    pub fn new(units: i64, code: impl Into<String>, exponent: i16) -> Self {
        Self {
            units,
            code: code.into(),
            exponent,
        }
    }

    /// The same kind with other units.
    #[must_use]
    pub fn with_units(&self, units: i64) -> Self {
        Self {
            units,
            code: self.code.clone(),
            exponent: self.exponent,
        }
    }

    /// Whether both have the same code and exponent.
    #[must_use]
    pub fn same_kind(&self, other: &Self) -> bool {
        self.code == other.code && self.exponent == other.exponent
    }

    /// The sum.
    ///
    /// # Errors
    /// When the kinds differ or the sum overflows.
    pub fn checked_add(&self, other: &Self) -> Result<Self, Error> {
        self.combine(other, i64::checked_add)
    }

    /// The difference.
    ///
    /// # Errors
    /// When the kinds differ or the difference overflows.
    pub fn checked_sub(&self, other: &Self) -> Result<Self, Error> {
        self.combine(other, i64::checked_sub)
    }

    /// `units` × `numerator` / `denominator`, rounded down (towards negative infinity): what a rate earns.
    ///
    /// # Errors
    /// When the denominator is not positive or the result overflows.
    pub fn scaled(&self, numerator: i64, denominator: i64) -> Result<Self, Error> {
        if denominator <= 0 {
            return Err(Error::Overflow);
        }
        let product = i128::from(self.units) * i128::from(numerator);
        let units = i64::try_from(product.div_euclid(i128::from(denominator)))
            .map_err(|_| Error::Overflow)?;
        Ok(self.with_units(units))
    }

    fn combine(
        &self,
        other: &Self,
        operation: impl Fn(i64, i64) -> Option<i64>,
    ) -> Result<Self, Error> {
        if !self.same_kind(other) {
            return Err(Error::Mismatch);
        }
        operation(self.units, other.units)
            .map(|units| self.with_units(units))
            .ok_or(Error::Overflow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_of_one_kind_add_and_others_are_refused() {
        let ten = Amount::new(1000, "EUR", 2);
        assert_eq!(
            ten.checked_add(&Amount::new(5, "EUR", 2)),
            Ok(Amount::new(1005, "EUR", 2))
        );
        assert_eq!(
            ten.checked_add(&Amount::new(5, "EUR", 0)),
            Err(Error::Mismatch)
        );
        assert_eq!(
            ten.checked_sub(&Amount::new(5, "USD", 2)),
            Err(Error::Mismatch)
        );
        assert_eq!(
            ten.with_units(i64::MAX).checked_add(&ten),
            Err(Error::Overflow)
        );
        assert_eq!(
            ten.with_units(i64::MIN).checked_sub(&ten),
            Err(Error::Overflow)
        );
    }

    #[test]
    fn scaling_rounds_down_and_never_wraps() {
        assert_eq!(
            Amount::new(999, "EUR", 2).scaled(1, 100),
            Ok(Amount::new(9, "EUR", 2))
        );
        assert_eq!(
            Amount::new(-1, "EUR", 2).scaled(1, 100),
            Ok(Amount::new(-1, "EUR", 2))
        );
        assert_eq!(
            Amount::new(i64::MAX, "EUR", 2).scaled(2, 1),
            Err(Error::Overflow)
        );
        assert_eq!(Amount::new(1, "EUR", 2).scaled(1, 0), Err(Error::Overflow));
    }
}

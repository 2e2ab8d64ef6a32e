use std::time::Duration;

use rapport_foundation::id::ProgramId;
use rapport_foundation::money::Amount;
use rapport_foundation::time::Micros;

use super::{MOST_POINTS, Points, Refusal};

/// What the points of a programme are called and how many decimal places they have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PointKind {
    /// Code, such as `PTS`: 2 to 12 of A-Z, 0-9.
    pub code: String,
    /// Decimal places, 0 to 6.
    pub exponent: i16,
}

impl PointKind {
    /// So many smallest units as an amount.
    #[must_use]
    pub fn amount(&self, units: i64) -> Amount {
        Amount::new(units, self.code.clone(), self.exponent)
    }

    /// The points of an amount, when it is of this kind.
    ///
    /// # Errors
    /// [`Refusal::PointsMismatch`] for another code or exponent.
    pub fn accept(&self, code: &str, exponent: i16, points: Points) -> Result<Points, Refusal> {
        if code == self.code && exponent == self.exponent {
            Ok(points)
        } else {
            Err(Refusal::PointsMismatch)
        }
    }
}

/// How an order earns: floor(total × points ÷ per), both in smallest units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarnRule {
    /// ISO 4217 code of the currency it earns in.
    pub currency_code: String,
    /// Decimal places of the currency's amounts, 0 to 6.
    pub currency_exponent: i16,
    /// Points in smallest units, positive …
    pub points: i64,
    /// … for this much in the currency's smallest units, positive.
    pub per: i64,
    /// Orders below it earn nothing.
    pub minimum_total: i64,
}

impl EarnRule {
    /// What an order of this total earns, in smallest units of points; zero for nothing.
    ///
    /// # Errors
    /// [`Refusal::CurrencyMismatch`] for another code or exponent: nothing is exchanged silently.
    /// [`Refusal::EarnTooLarge`] beyond [`MOST_POINTS`].
    pub fn earns(&self, total: &Amount) -> Result<i64, Refusal> {
        if total.code != self.currency_code || total.exponent != self.currency_exponent {
            return Err(Refusal::CurrencyMismatch);
        }
        if total.units <= 0 || total.units < self.minimum_total {
            return Ok(0);
        }
        let points =
            i128::from(total.units) * i128::from(self.points) / i128::from(self.per.max(1));
        i64::try_from(points)
            .ok()
            .filter(|points| *points <= MOST_POINTS)
            .ok_or(Refusal::EarnTooLarge)
    }
}

/// How long the points of a programme wait and last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// How long points wait before they can be spent.
    pub activation_delay: Duration,
    /// How long they last once active; `None` for ever.
    pub validity: Option<Duration>,
}

impl Terms {
    /// From when and until when points that come in at `at` can be spent.
    #[must_use]
    pub fn span(&self, at: Micros) -> (Micros, Option<Micros>) {
        let active = at + self.activation_delay;
        (active, self.validity.map(|validity| active + validity))
    }
}

/// The rules by which customers earn and spend points. They never change: what was earned under them
/// can be computed again at any time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Which programme.
    pub id: ProgramId,
    /// Code unique in the tenant, `[a-z0-9._-]{1,64}`.
    pub code: String,
    /// Name shown to customers.
    pub display_name: String,
    /// What its points are.
    pub points: PointKind,
    /// How orders earn.
    pub rule: EarnRule,
    /// How long points wait and last.
    pub terms: Terms,
    /// How long a hold stands unless it says otherwise.
    pub hold_timeout: Duration,
    /// Whether a customer whose order arrives becomes a member by it.
    pub auto_enrol: bool,
    /// When it was made.
    pub created_at: Micros,
    /// When it last changed.
    pub updated_at: Micros,
    /// Counts changes from 1.
    pub version: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(points: i64, per: i64, minimum_total: i64) -> EarnRule {
        EarnRule {
            currency_code: "IDR".into(),
            currency_exponent: 0,
            points,
            per,
            minimum_total,
        }
    }

    #[test]
    fn an_order_earns_the_whole_part_of_its_share() {
        let rule = rule(3, 1_000, 500);
        let earns = |units| rule.earns(&Amount::new(units, "IDR", 0));
        assert_eq!(earns(999), Ok(2));
        assert_eq!(earns(1_000), Ok(3));
        assert_eq!(earns(500), Ok(1));
        assert_eq!(earns(499), Ok(0), "below the minimum");
        assert_eq!(earns(0), Ok(0));
        assert_eq!(earns(-5_000), Ok(0));
    }

    #[test]
    fn another_currency_or_exponent_is_refused_rather_than_exchanged() {
        let rule = rule(1, 1, 0);
        for total in [Amount::new(5, "USD", 0), Amount::new(5, "IDR", 2)] {
            assert_eq!(rule.earns(&total), Err(Refusal::CurrencyMismatch));
        }
    }

    #[test]
    fn a_product_beyond_64_bits_neither_wraps_nor_panics() {
        let total = |units| Amount::new(units, "IDR", 0);
        assert_eq!(rule(i64::MAX, i64::MAX, 0).earns(&total(7)), Ok(7));
        assert_eq!(
            rule(i64::MAX, 1, 0).earns(&total(i64::MAX)),
            Err(Refusal::EarnTooLarge)
        );
        assert_eq!(rule(1, 1, 0).earns(&total(MOST_POINTS)), Ok(MOST_POINTS));
        assert_eq!(
            rule(1, 1, 0).earns(&total(MOST_POINTS + 1)),
            Err(Refusal::EarnTooLarge)
        );
    }

    #[test]
    fn points_last_from_their_activation() {
        let day = Duration::from_secs(86_400);
        let terms = Terms {
            activation_delay: day,
            validity: Some(day * 2),
        };
        assert_eq!(
            terms.span(Micros(0)),
            (Micros(0) + day, Some(Micros(0) + day * 3))
        );
        assert_eq!(
            Terms {
                validity: None,
                ..terms
            }
            .span(Micros(0))
            .1,
            None
        );
    }
}

use std::time::Duration;

use rapport_foundation::db::Error;
use rapport_foundation::id::{ProgramId, TenantId};
use rapport_foundation::time::Micros;
use sea_orm::DeriveEntityModel;
use sea_orm::prelude::{DerivePrimaryKey, EntityTrait, EnumIter, PrimaryKeyTrait, Uuid};

use crate::domain::{EarnRule, PointKind, Program, Terms};

const DAY_S: u64 = 86_400;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "programs")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub code: String,
    pub display_name: String,
    pub point_code: String,
    pub point_exponent: i16,
    pub currency_code: String,
    pub currency_exponent: i16,
    pub earn_points: i64,
    pub earn_per: i64,
    pub minimum_total: i64,
    pub validity_days: i64,
    pub activation_delay_s: i64,
    pub hold_timeout_s: i64,
    pub auto_enrol: bool,
    pub created_at: Micros,
    pub updated_at: Micros,
    pub version: i64,
}

super::tenant_owned!();

pub(crate) fn row(tenant: TenantId, program: &Program) -> Model {
    let days = program
        .terms
        .validity
        .map_or(0, |validity| validity.as_secs() / DAY_S);
    Model {
        tenant_id: tenant.uuid(),
        id: program.id.uuid(),
        code: program.code.clone(),
        display_name: program.display_name.clone(),
        point_code: program.points.code.clone(),
        point_exponent: program.points.exponent,
        currency_code: program.rule.currency_code.clone(),
        currency_exponent: program.rule.currency_exponent,
        earn_points: program.rule.points,
        earn_per: program.rule.per,
        minimum_total: program.rule.minimum_total,
        validity_days: i64::try_from(days).unwrap_or(i64::MAX),
        activation_delay_s: seconds(program.terms.activation_delay),
        hold_timeout_s: seconds(program.hold_timeout),
        auto_enrol: program.auto_enrol,
        created_at: program.created_at,
        updated_at: program.updated_at,
        version: program.version,
    }
}

fn seconds(span: Duration) -> i64 {
    i64::try_from(span.as_secs()).unwrap_or(i64::MAX)
}

impl TryFrom<Model> for Program {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self, Error> {
        let span = |seconds: i64| {
            u64::try_from(seconds)
                .map(Duration::from_secs)
                .map_err(|_| Error::Corrupt("a programme with a negative time"))
        };
        let days = u64::try_from(row.validity_days)
            .map_err(|_| Error::Corrupt("a programme with a negative validity"))?;
        Ok(Self {
            id: ProgramId::from_uuid(row.id),
            code: row.code,
            display_name: row.display_name,
            points: PointKind {
                code: row.point_code,
                exponent: row.point_exponent,
            },
            rule: EarnRule {
                currency_code: row.currency_code,
                currency_exponent: row.currency_exponent,
                points: row.earn_points,
                per: row.earn_per,
                minimum_total: row.minimum_total,
            },
            terms: Terms {
                activation_delay: span(row.activation_delay_s)?,
                validity: (days > 0).then(|| Duration::from_secs(days.saturating_mul(DAY_S))),
            },
            hold_timeout: span(row.hold_timeout_s)?,
            auto_enrol: row.auto_enrol,
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
        })
    }
}

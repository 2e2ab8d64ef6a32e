//! What other services say about a customer.

use rapport_foundation::db::bulk::{self, Type};
use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::{EntryId, MemberId, TicketId};
use rapport_foundation::money::Amount;
use rapport_foundation::time::Micros;
use sea_orm::{QueryResult, Value};
use uuid::Uuid;

use super::Store;
use crate::domain::{Change, Place, PointsChange, Projection, TicketChange};

const ABOUT_TICKET: i16 = 1;
const ABOUT_POINTS: i16 = 2;

impl Store {
    /// Stores what other services said; what is there already stays as it is.
    pub(crate) async fn project(
        &self,
        s: &Scoped,
        projections: &[Projection],
    ) -> Result<(), Error> {
        const COLUMNS: [(&str, Type); 11] = [
            ("event_id", Type::Uuid),
            ("at", Type::Big),
            ("record_id", Type::Uuid),
            ("conversation_id", Type::Uuid),
            ("about", Type::Small),
            ("change", Type::Small),
            ("resource_id", Type::Uuid),
            ("member_id", Type::Uuid),
            ("points_units", Type::Big),
            ("points_code", Type::Text),
            ("points_exponent", Type::Small),
        ];
        let behind = "on conflict (tenant_id, event_id) do nothing";
        let rows = projections.iter().map(values).collect();
        bulk::insert(s, "timeline_projection", &COLUMNS, rows, behind).await?;
        self.note_tickets(s, projections).await
    }
}

fn values(projection: &Projection) -> Vec<Value> {
    let mut values: Vec<Value> = vec![
        projection.event.uuid().into(),
        projection.at.0.into(),
        projection
            .record
            .map_or(Uuid::nil(), |record| record.uuid())
            .into(),
        projection.conversation.uuid().into(),
    ];
    match &projection.change {
        Change::Ticket(ticket, change) => values.extend([
            ABOUT_TICKET.into(),
            change.code().into(),
            ticket.uuid().into(),
            Uuid::nil().into(),
            0_i64.into(),
            "".into(),
            0_i16.into(),
        ]),
        Change::Points {
            entry,
            member,
            points,
            change,
        } => values.extend([
            ABOUT_POINTS.into(),
            change.code().into(),
            entry.uuid().into(),
            member.uuid().into(),
            points.units.into(),
            points.code.as_str().into(),
            points.exponent.into(),
        ]),
    }
    values
}

/// Reads a row of `timeline_projection`.
pub(super) fn read(row: &QueryResult) -> Result<(Place, Change), Error> {
    const UNKNOWN: Error = Error::Corrupt("a stored code is not known");
    let place = Place {
        at: Micros(row.try_get("", "at")?),
        id: row.try_get("", "event_id")?,
    };
    let resource: Uuid = row.try_get("", "resource_id")?;
    let code: i16 = row.try_get("", "change")?;
    let change = if row.try_get::<i16>("", "about")? == ABOUT_TICKET {
        Change::Ticket(
            TicketId::from_uuid(resource),
            TicketChange::from_code(code).ok_or(UNKNOWN)?,
        )
    } else {
        let units = row.try_get("", "points_units")?;
        Change::Points {
            entry: EntryId::from_uuid(resource),
            member: MemberId::from_uuid(row.try_get("", "member_id")?),
            points: Amount::new(
                units,
                row.try_get::<String>("", "points_code")?,
                row.try_get("", "points_exponent")?,
            ),
            change: PointsChange::from_code(code).ok_or(UNKNOWN)?,
        }
    };
    Ok((place, change))
}

//! The tables as the ORM sees them. Nothing outside of `store` names these.

/// Declares an entity whose table belongs to tenants.
macro_rules! owned {
    () => {
        #[derive(Copy, Clone, Debug, sea_orm::EnumIter, sea_orm::DeriveRelation)]
        pub(crate) enum Relation {}

        impl sea_orm::ActiveModelBehavior for ActiveModel {}

        impl rapport_foundation::db::TenantOwned for Entity {
            fn tenant_column() -> Column {
                Column::TenantId
            }
        }
    };
}
use owned;

pub(crate) mod agent;
pub(crate) mod agent_pace;
pub(crate) mod agent_queue;
pub(crate) mod agent_spell;
pub(crate) mod agent_standing;
pub(crate) mod calendar;
pub(crate) mod calendar_version;
pub(crate) mod contact_command;
pub(crate) mod customer_map;
pub(crate) mod ended_contact;
pub(crate) mod hand_over;
pub(crate) mod offer;
pub(crate) mod queue;
pub(crate) mod queue_turn;
pub(crate) mod routing_policy;
pub(crate) mod sla_policy;
pub(crate) mod sla_policy_version;
pub(crate) mod ticket;
pub(crate) mod ticket_change;
pub(crate) mod ticket_note;
pub(crate) mod ticket_pick;
pub(crate) mod ticket_route;
pub(crate) mod ticket_sla;
pub(crate) mod work_item;

//! The contracts' words for what the domain names, both ways.

use rapport_proto::routing::v1 as routing;
use rapport_proto::types::v1 as types;

use crate::domain::sla::ClockKind;
use crate::domain::{
    AgentKind, AgentPreference, Channel, Impact, Priority, Purpose, Selection, Urgency,
    WorkSelection,
};

/// None for unspecified.
pub(crate) const fn channel(channel: types::Channel) -> Option<Channel> {
    Some(match channel {
        types::Channel::Unspecified => return None,
        types::Channel::Phone => Channel::Phone,
        types::Channel::Email => Channel::Email,
        types::Channel::Chat => Channel::Chat,
        types::Channel::Sms => Channel::Sms,
        types::Channel::Messaging => Channel::Messaging,
        types::Channel::Social => Channel::Social,
        types::Channel::Web => Channel::Web,
        types::Channel::Forum => Channel::Forum,
        types::Channel::Store => Channel::Store,
        types::Channel::ServiceCentre => Channel::ServiceCentre,
        types::Channel::MobileApp => Channel::MobileApp,
        types::Channel::Immersive => Channel::Immersive,
        types::Channel::Portal => Channel::Portal,
    })
}

/// None for unspecified.
pub(crate) const fn purpose(purpose: types::Purpose) -> Option<Purpose> {
    Some(match purpose {
        types::Purpose::Unspecified => return None,
        types::Purpose::Enquiry => Purpose::Enquiry,
        types::Purpose::Support => Purpose::Support,
        types::Purpose::Order => Purpose::Order,
        types::Purpose::Complaint => Purpose::Complaint,
        types::Purpose::Feedback => Purpose::Feedback,
        types::Purpose::Return => Purpose::Return,
        types::Purpose::Outreach => Purpose::Outreach,
        types::Purpose::Lead => Purpose::Lead,
        types::Purpose::Other => Purpose::Other,
    })
}

/// None for unspecified.
pub(crate) const fn priority(priority: types::Priority) -> Option<Priority> {
    Some(match priority {
        types::Priority::Unspecified => return None,
        types::Priority::Low => Priority::Low,
        types::Priority::Normal => Priority::Normal,
        types::Priority::High => Priority::High,
        types::Priority::Urgent => Priority::Urgent,
    })
}

/// None for unspecified.
pub(crate) const fn impact(impact: types::Impact) -> Option<Impact> {
    Some(match impact {
        types::Impact::Unspecified => return None,
        types::Impact::High => Impact::High,
        types::Impact::Medium => Impact::Medium,
        types::Impact::Low => Impact::Low,
    })
}

/// None for unspecified.
pub(crate) const fn urgency(urgency: types::Urgency) -> Option<Urgency> {
    Some(match urgency {
        types::Urgency::Unspecified => return None,
        types::Urgency::High => Urgency::High,
        types::Urgency::Medium => Urgency::Medium,
        types::Urgency::Low => Urgency::Low,
    })
}

/// As the contracts name it.
pub(crate) const fn impact_out(impact: Impact) -> types::Impact {
    match impact {
        Impact::High => types::Impact::High,
        Impact::Medium => types::Impact::Medium,
        Impact::Low => types::Impact::Low,
    }
}

/// As the contracts name it.
pub(crate) const fn urgency_out(urgency: Urgency) -> types::Urgency {
    match urgency {
        Urgency::High => types::Urgency::High,
        Urgency::Medium => types::Urgency::Medium,
        Urgency::Low => types::Urgency::Low,
    }
}

/// As the contracts name it.
pub(crate) const fn channel_out(channel: Channel) -> types::Channel {
    match channel {
        Channel::Phone => types::Channel::Phone,
        Channel::Email => types::Channel::Email,
        Channel::Chat => types::Channel::Chat,
        Channel::Sms => types::Channel::Sms,
        Channel::Messaging => types::Channel::Messaging,
        Channel::Social => types::Channel::Social,
        Channel::Web => types::Channel::Web,
        Channel::Forum => types::Channel::Forum,
        Channel::Store => types::Channel::Store,
        Channel::ServiceCentre => types::Channel::ServiceCentre,
        Channel::MobileApp => types::Channel::MobileApp,
        Channel::Immersive => types::Channel::Immersive,
        Channel::Portal => types::Channel::Portal,
    }
}

/// As the contracts name it.
pub(crate) const fn purpose_out(purpose: Purpose) -> types::Purpose {
    match purpose {
        Purpose::Enquiry => types::Purpose::Enquiry,
        Purpose::Support => types::Purpose::Support,
        Purpose::Order => types::Purpose::Order,
        Purpose::Complaint => types::Purpose::Complaint,
        Purpose::Feedback => types::Purpose::Feedback,
        Purpose::Return => types::Purpose::Return,
        Purpose::Outreach => types::Purpose::Outreach,
        Purpose::Lead => types::Purpose::Lead,
        Purpose::Other => types::Purpose::Other,
    }
}

/// As the contracts name it.
pub(crate) const fn priority_out(priority: Priority) -> types::Priority {
    match priority {
        Priority::Low => types::Priority::Low,
        Priority::Normal => types::Priority::Normal,
        Priority::High => types::Priority::High,
        Priority::Urgent => types::Priority::Urgent,
    }
}

/// None for unspecified.
pub(crate) const fn clock_kind(kind: types::SlaClockKind) -> Option<ClockKind> {
    Some(match kind {
        types::SlaClockKind::Unspecified => return None,
        types::SlaClockKind::FirstResponse => ClockKind::FirstResponse,
        types::SlaClockKind::NextResponse => ClockKind::NextResponse,
        types::SlaClockKind::Resolution => ClockKind::Resolution,
    })
}

/// As the contracts name it.
pub(crate) const fn clock_kind_out(kind: ClockKind) -> types::SlaClockKind {
    match kind {
        ClockKind::FirstResponse => types::SlaClockKind::FirstResponse,
        ClockKind::NextResponse => types::SlaClockKind::NextResponse,
        ClockKind::Resolution => types::SlaClockKind::Resolution,
    }
}

/// None for unspecified.
pub(crate) const fn selection(selection: routing::AgentSelection) -> Option<Selection> {
    Some(match selection {
        routing::AgentSelection::Unspecified => return None,
        routing::AgentSelection::LongestIdle => Selection::LongestIdle,
        routing::AgentSelection::LeastOccupied => Selection::LeastOccupied,
        routing::AgentSelection::BestSkilled => Selection::BestSkilled,
        routing::AgentSelection::RoundRobin => Selection::RoundRobin,
        routing::AgentSelection::Fastest => Selection::Fastest,
    })
}

/// As the contracts name it.
pub(crate) const fn selection_out(selection: Selection) -> routing::AgentSelection {
    match selection {
        Selection::LongestIdle => routing::AgentSelection::LongestIdle,
        Selection::LeastOccupied => routing::AgentSelection::LeastOccupied,
        Selection::BestSkilled => routing::AgentSelection::BestSkilled,
        Selection::RoundRobin => routing::AgentSelection::RoundRobin,
        Selection::Fastest => routing::AgentSelection::Fastest,
    }
}

/// None for unspecified.
pub(crate) const fn work_selection(selection: routing::WorkSelection) -> Option<WorkSelection> {
    Some(match selection {
        routing::WorkSelection::Unspecified => return None,
        routing::WorkSelection::Oldest => WorkSelection::Oldest,
        routing::WorkSelection::QueueRatio => WorkSelection::QueueRatio,
        routing::WorkSelection::GeneralisedCMu => WorkSelection::GeneralisedCMu,
    })
}

/// As the contracts name it.
pub(crate) const fn work_selection_out(selection: WorkSelection) -> routing::WorkSelection {
    match selection {
        WorkSelection::Oldest => routing::WorkSelection::Oldest,
        WorkSelection::QueueRatio => routing::WorkSelection::QueueRatio,
        WorkSelection::GeneralisedCMu => routing::WorkSelection::GeneralisedCMu,
    }
}

/// None for unspecified.
pub(crate) const fn preference(preference: routing::AgentPreference) -> Option<AgentPreference> {
    Some(match preference {
        routing::AgentPreference::Unspecified => return None,
        routing::AgentPreference::Nobody => AgentPreference::Nobody,
        routing::AgentPreference::Owner => AgentPreference::Owner,
        routing::AgentPreference::LastAgent => AgentPreference::LastAgent,
    })
}

/// As the contracts name it.
pub(crate) const fn preference_out(preference: AgentPreference) -> routing::AgentPreference {
    match preference {
        AgentPreference::Nobody => routing::AgentPreference::Nobody,
        AgentPreference::Owner => routing::AgentPreference::Owner,
        AgentPreference::LastAgent => routing::AgentPreference::LastAgent,
    }
}

/// None for unspecified.
pub(crate) const fn agent_kind(kind: routing::AgentKind) -> Option<AgentKind> {
    Some(match kind {
        routing::AgentKind::Unspecified => return None,
        routing::AgentKind::Person => AgentKind::Person,
        routing::AgentKind::Virtual => AgentKind::Virtual,
    })
}

/// As the contracts name it.
pub(crate) const fn agent_kind_out(kind: AgentKind) -> routing::AgentKind {
    match kind {
        AgentKind::Person => routing::AgentKind::Person,
        AgentKind::Virtual => routing::AgentKind::Virtual,
    }
}

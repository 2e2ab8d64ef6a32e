use std::time::Duration;

use rapport_foundation::db;
use rapport_foundation::error::{Code, Failure, Violation};

use crate::domain::engine::Refusal;
use crate::domain::policy::{Finding, RoutingRefusal};
use crate::domain::sla::{SlaRefusal, TimetableFault};
use crate::domain::{OfferEnd, TicketRefusal};

/// Why a call is refused that another process decides.
pub(crate) const OWNER_CHANGING: &str = "OWNER_CHANGING";
/// Somebody decides for a tenant again within seconds; what waits for its owner looks this often.
const CHANGED_WITHIN: Duration = Duration::from_secs(1);

/// What can go wrong in routing.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] db::Error),
    /// The request itself is refused, or a part of the foundation failed.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// No such resource in this tenant.
    #[error("there is no {kind} {id}")]
    NotFound {
        /// What kind of resource.
        kind: &'static str,
        /// Its id as it was given.
        id: String,
    },
    /// The etag given is not that of the resource.
    #[error("the resource has changed")]
    EtagMismatch,
    /// The ticket's state does not allow it.
    #[error(transparent)]
    Ticket(#[from] TicketRefusal),
    /// A filter finds another number of tickets than was expected.
    #[error("{0} tickets fit the filter")]
    CountDiffers(u64),
    /// The engine's state does not allow it.
    #[error("refused: {0:?}")]
    Refused(Refusal),
    /// The offer is over.
    #[error("the offer is over: {0:?}")]
    OfferEnded(OfferEnd),
    /// The offer was accepted before.
    #[error("the offer was accepted already")]
    OfferTaken,
    /// It cannot be promised so.
    #[error(transparent)]
    Sla(#[from] SlaRefusal),
    /// No work can be routed so.
    #[error(transparent)]
    Routing(#[from] RoutingRefusal),
    /// Another queue has this code.
    #[error("the code is taken")]
    CodeTaken,
    /// A chain of overflow leads back, or has too many queues.
    #[error("the overflow of the queue does not end")]
    EndlessOverflow,
    /// The principal has an agent already.
    #[error("the principal has an agent")]
    PrincipalTaken,
    /// An agent may act for themselves only.
    #[error("not the agent's own")]
    NotTheAgent,
    /// What connectors alone may do.
    #[error("not a connector")]
    NotAConnector,
    /// Too much waits for this tenant's engine already.
    #[error("too many commands wait")]
    Overloaded,
    /// Another process decides for this tenant, or the engine is being rebuilt.
    #[error("not the owner of the tenant")]
    NotOwner,
    /// The service is ending.
    #[error("draining")]
    Draining,
    /// A fault of ours: a decision panicked.
    #[error("a decision failed")]
    Broken,
}

impl Error {
    pub(crate) fn not_found(kind: &'static str, id: impl std::fmt::Display) -> Self {
        Self::NotFound {
            kind,
            id: id.to_string(),
        }
    }

    /// A stream outlived the token that it was opened with.
    pub(crate) fn token_expired() -> Self {
        Self::Failed(Failure::new(
            Code::Unauthenticated,
            "TOKEN_EXPIRED",
            "The token has expired.",
        ))
    }

    /// Nobody reads what a stream tells.
    pub(crate) fn slow_reader() -> Self {
        Self::Failed(Failure::new(
            Code::ResourceExhausted,
            "SLOW_READER",
            "The stream was read too slowly; open it again.",
        ))
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let state = |reason, text| Self::new(Code::FailedPrecondition, reason, text);
        match error {
            Error::Store(error) => error.into(),
            Error::Failed(failure) => failure,
            Error::NotFound { kind, id } => Self::not_found(kind, &id),
            Error::EtagMismatch => Self::new(
                Code::Aborted,
                "ETAG_MISMATCH",
                "The resource has changed; read it again.",
            ),
            Error::Ticket(refusal) => of_ticket(refusal),
            Error::CountDiffers(count) => state(
                "TICKET_COUNT_DIFFERS",
                "The filter finds another number of tickets than was expected.",
            )
            .with_meta("count", count.to_string()),
            Error::Refused(refusal) => of_engine(refusal),
            Error::Sla(refusal) => of_sla(refusal),
            Error::Routing(refusal) => of_routing(refusal),
            Error::OfferEnded(end) => {
                state("OFFER_ENDED", "The offer is over.").with_meta("end", end.as_str())
            }
            Error::OfferTaken => {
                state("OFFER_ENDED", "The offer is over.").with_meta("end", "accepted")
            }
            Error::CodeTaken => Self::new(
                Code::AlreadyExists,
                "QUEUE_CODE_TAKEN",
                "Another queue has this code.",
            ),
            Error::EndlessOverflow => state(
                "OVERFLOW_DOES_NOT_END",
                "The chain of overflow leads back, or has more than 8 queues.",
            ),
            Error::PrincipalTaken => Self::new(
                Code::AlreadyExists,
                "PRINCIPAL_TAKEN",
                "The principal has an agent already.",
            ),
            Error::NotTheAgent => Self::new(
                Code::PermissionDenied,
                "NOT_THE_AGENT",
                "An agent may act for themselves only.",
            ),
            Error::NotAConnector => Self::new(
                Code::PermissionDenied,
                "CONNECTOR_UNKNOWN",
                "The caller is no connector with a name.",
            ),
            Error::Overloaded => Self::new(
                Code::ResourceExhausted,
                "OVERLOADED",
                "Too many calls wait for routing; try again.",
            ),
            Error::NotOwner => Self::new(
                Code::Unavailable,
                OWNER_CHANGING,
                "Another process takes over routing for the tenant; try again.",
            )
            .passing_within(CHANGED_WITHIN),
            Error::Draining => Self::new(
                Code::Unavailable,
                "DRAINING",
                "The service is shutting down.",
            ),
            Error::Broken => Self::new(Code::Internal, "INTERNAL", "The service failed."),
        }
    }
}

fn of_ticket(refusal: TicketRefusal) -> Failure {
    let wrong = |field: &str, reason, text: &str| {
        Failure::invalid(vec![Violation {
            field: field.to_owned(),
            reason,
            description: text.to_owned(),
        }])
    };
    let (reason, text) = match refusal {
        TicketRefusal::HalfSevere => {
            let text = "has impact and urgency together or neither";
            return wrong("ticket", "REQUIRED_TOGETHER", text);
        }
        TicketRefusal::PriorityContradicts => {
            let text = "is not the one that follows from impact and urgency";
            return wrong("ticket.priority", "CONTRADICTS_SEVERITY", text);
        }
        TicketRefusal::NotOpen => ("TICKET_NOT_OPEN", "The ticket is resolved or closed."),
        TicketRefusal::NotResolved => ("TICKET_NOT_RESOLVED", "The ticket is not resolved."),
        TicketRefusal::Closed => ("TICKET_CLOSED", "The ticket is closed."),
        TicketRefusal::WorkInProgress => ("WORK_IN_PROGRESS", "Another agent works on the ticket."),
        TicketRefusal::Merged(whole) => {
            let text = "The ticket was merged into another.";
            return Failure::new(Code::FailedPrecondition, "TICKET_MERGED", text)
                .with_meta("ticket_id", whole.to_string());
        }
        TicketRefusal::NotMerged => ("TICKET_NOT_MERGED", "The ticket was not merged."),
        TicketRefusal::MergedTooMany => (
            "TICKET_MERGED_TOO_MANY",
            "More than 100 tickets would be one, or in more than 8 steps.",
        ),
        TicketRefusal::ParentIsPart => (
            "TICKET_PARENT_IS_PART",
            "The ticket would be a part of itself.",
        ),
        TicketRefusal::ParentTooHigh => (
            "TICKET_PARENT_TOO_HIGH",
            "As many tickets are above the parent as may be.",
        ),
    };
    Failure::new(Code::FailedPrecondition, reason, text)
}

fn of_sla(refusal: SlaRefusal) -> Failure {
    let state = |reason, text| Failure::new(Code::FailedPrecondition, reason, text);
    match refusal {
        SlaRefusal::CodeTaken => Failure::new(
            Code::AlreadyExists,
            "SLA_CODE_TAKEN",
            "Another calendar or policy has this code.",
        ),
        SlaRefusal::TooMany => state("SLA_TOO_MANY", "There are as many as there may be."),
        SlaRefusal::NoCalendar(id) => Failure::not_found("calendar", &id.to_string()),
        SlaRefusal::NoPolicy(id) => Failure::not_found("SLA policy", &id.to_string()),
        SlaRefusal::Timetable(faults) => {
            Failure::invalid(faults.into_iter().map(violation).collect())
        }
        SlaRefusal::StepWithoutTarget(code) => state(
            "SLA_STEP_WITHOUT_TARGET",
            "A step belongs to a clock that has no target.",
        )
        .with_meta("step", code.as_str()),
    }
}

fn of_routing(refusal: RoutingRefusal) -> Failure {
    /// An answer must fit into its trailers; LintRoutingPolicy tells all of them.
    const MOST: usize = 16;
    let state = |reason, text| Failure::new(Code::FailedPrecondition, reason, text);
    let violation = |finding: Finding| Violation {
        field: finding.field,
        reason: finding.reason,
        description: format!("{} (character {})", finding.what, finding.at),
    };
    match refusal {
        RoutingRefusal::TooMany => state(
            "ROUTING_POLICY_TOO_MANY",
            "There are as many versions as there may be.",
        ),
        RoutingRefusal::NotDraft => {
            state("ROUTING_POLICY_NOT_DRAFT", "The version is not a draft.")
        }
        RoutingRefusal::NotRetired => state(
            "ROUTING_POLICY_NOT_RETIRED",
            "The version did not hold before, or holds now.",
        ),
        RoutingRefusal::Faulty(findings) => {
            let count = findings.len().to_string();
            let findings = findings.into_iter().take(MOST).map(violation);
            state("ROUTING_POLICY_FAULTY", "The version has errors.")
                .with_meta("errors", count)
                .naming(findings.collect())
        }
    }
}

/// What is wrong with a timetable, as the contracts name its parts.
pub(crate) fn violation(fault: TimetableFault) -> Violation {
    let (field, reason, text) = match fault {
        TimetableFault::UnknownZone => (
            "time_zone".to_owned(),
            "UNKNOWN_TIME_ZONE",
            "is not a name of the IANA time zone database",
        ),
        TimetableFault::NeverOpens => (
            "weekly_openings".to_owned(),
            "REQUIRED",
            "must open at least once a week: a clock would never end",
        ),
        TimetableFault::WeeklyImpossible(place) => (
            format!("weekly_openings[{place}]"),
            "IMPOSSIBLE_OPENING",
            "must begin before midnight and end after that, a day later at most",
        ),
        TimetableFault::ExceptionImpossible(place) => (
            format!("exceptions[{place}].openings"),
            "IMPOSSIBLE_OPENING",
            "must begin before midnight and end after that, a day later at most",
        ),
        TimetableFault::DateTwice(place) => (
            format!("exceptions[{place}].date"),
            "DUPLICATE",
            "is named twice",
        ),
    };
    Violation {
        field,
        reason,
        description: text.to_owned(),
    }
}

fn of_engine(refusal: Refusal) -> Failure {
    let state = |reason, text| Failure::new(Code::FailedPrecondition, reason, text);
    match refusal {
        Refusal::OfferNotOut => state("OFFER_ENDED", "The offer is over."),
        Refusal::NotTheirs => Failure::new(
            Code::PermissionDenied,
            "NOT_THE_AGENT",
            "The work is another agent's.",
        ),
        Refusal::WorkNotOpen => state("WORK_ENDED", "The work item is over."),
        Refusal::WorkAccepted => state("WORK_ACCEPTED", "An agent has accepted the work item."),
        Refusal::WorkNotAccepted => state(
            "WORK_NOT_ACCEPTED",
            "The work item is not in an agent's hands.",
        ),
        Refusal::ContactLive => state(
            "CONTACT_LIVE",
            "Somebody is at the other end: put the contact on hold.",
        ),
        Refusal::NotParked => state("NOT_PARKED", "The work item is not parked."),
        Refusal::WrapUpTooLong => state(
            "WRAP_UP_TOO_LONG",
            "Wrap-up lasts as long as its queue lets it.",
        ),
        Refusal::NotWrappingUp => state("NOT_WRAPPING_UP", "The work item is not in wrap-up."),
        Refusal::AgentUnknown => state("AGENT_UNKNOWN", "There is no such agent."),
        Refusal::WorkKnown => state("WORK_KNOWN", "The work item is queued already."),
        Refusal::QueueUnknown => state("QUEUE_UNKNOWN", "There is no such queue."),
        Refusal::AgentNotPresent => state("AGENT_NOT_PRESENT", "No stream of the agent is open."),
        Refusal::AgentNotAvailable => state("AGENT_NOT_AVAILABLE", "The agent takes no work."),
        Refusal::SkillsMissing => state(
            "SKILLS_MISSING",
            "The agent does not hold every skill that the work item asks for.",
        ),
        Refusal::NoCapacity => state(
            "NO_CAPACITY",
            "The agent has as much of the channel as they take at once.",
        ),
        Refusal::HasIt => state("AGENT_HAS_IT", "The agent has the work item already."),
        Refusal::AgentNotVirtual => state(
            "AGENT_NOT_VIRTUAL",
            "A person has the work item; only virtual agents hand over.",
        ),
        Refusal::ContactOver => state(
            "CONTACT_OVER",
            "The contact is over: the work item can only be completed.",
        ),
        Refusal::HandedOnTooOften => state(
            "TRANSFERRED_TOO_OFTEN",
            "The contact was handed on as often as it may be.",
        ),
        Refusal::OnHold => state("CONTACT_ON_HOLD", "The contact is on hold."),
        Refusal::NotCommanded => state(
            "CONTACT_NOT_COMMANDED",
            "No connector takes commands for the contact.",
        ),
        Refusal::Consulting => state("CONSULTING", "A second agent is asked about the contact."),
        Refusal::NotConsulting => state("NOT_CONSULTING", "Nobody is asked about the contact."),
        Refusal::ConsultNotAccepted => state(
            "CONSULT_NOT_ACCEPTED",
            "Who is asked about the contact has not accepted yet.",
        ),
        Refusal::IsConsult => state(
            "IS_CONSULT",
            "The contact is another's: the agent is asked about it.",
        ),
        Refusal::NotOnHold => state("CONTACT_NOT_ON_HOLD", "The contact is not on hold."),
        Refusal::QueueClosed => Failure::new(
            Code::ResourceExhausted,
            "QUEUE_CLOSED",
            "It is outside of the hours of the queue.",
        ),
        Refusal::QueueFull => Failure::new(
            Code::ResourceExhausted,
            "QUEUE_FULL",
            "As many wait in the queue as may.",
        ),
    }
}

impl From<Error> for tonic::Status {
    fn from(error: Error) -> Self {
        Failure::from(error).into()
    }
}

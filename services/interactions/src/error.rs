//! What can go wrong in this service, and what its callers are told.

use rapport_foundation::db;
use rapport_foundation::error::{Code, Failure, Violation};
use rapport_foundation::id::{
    ConversationChangeId, ConversationId, CustomerId, InteractionId, LegalHoldId, MediaId,
    OutboundId,
};

use crate::clients::Lost;
use crate::domain::OutboundState;
use crate::domain::media::{APPEND, STEP, Unfinished, Unfit};

/// A failed call of this service.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The store.
    #[error(transparent)]
    Store(#[from] db::Error),
    /// The request is malformed, or foundation refused it.
    #[error(transparent)]
    Refused(#[from] Failure),
    /// The caller's credential names no connector.
    #[error("the caller is no connector")]
    ConnectorUnknown,
    /// A connector asked for another connector's rows.
    #[error("a connector sees its own only")]
    ConnectorForeign,
    /// The external id is taken by this interaction, which says something else in these fields.
    #[error("the external id was used with other content")]
    ExternalIdReused(InteractionId, Vec<String>),
    /// No such interaction.
    #[error("no such interaction")]
    NoInteraction(InteractionId),
    /// No such conversation.
    #[error("no such conversation")]
    NoConversation(ConversationId),
    /// No such change of the conversation.
    #[error("no such change of the conversation")]
    NoChange(ConversationChangeId),
    /// The change was taken back already.
    #[error("the change was taken back already")]
    AlreadyUndone,
    /// The interaction is in another conversation.
    #[error("the interaction is in another conversation")]
    InOtherConversation(InteractionId),
    /// A split would leave nothing.
    #[error("nothing would be left of the conversation")]
    NothingLeft,
    /// One conversation would be made of too many.
    #[error("the conversation would be made of too many")]
    TooManyMerged,
    /// There are more counts than fit into an answer.
    #[error("there are too many counts")]
    TooManyCounts,
    /// No such customer.
    #[error("no such customer")]
    NoCustomer(CustomerId),
    /// No such hold.
    #[error("no such hold")]
    NoHold(LegalHoldId),
    /// What is to be erased must be kept.
    #[error("a legal hold stands over it")]
    LegalHold(LegalHoldId),
    /// The contact is not of a kind that ends.
    #[error("the contact is not live")]
    NotLive,
    /// The contact ended in another way.
    #[error("the contact ended in another way already")]
    EndedOtherwise,
    /// The end lies before the start.
    #[error("the contact would end before it began")]
    EndBeforeStart,
    /// Another fact of the contact has this key.
    #[error("the key of a fact was used with other content")]
    FactKeyReused,
    /// The contact has as many facts as it may.
    #[error("the contact has too many facts")]
    TooManyFacts,
    /// No such message of ours.
    #[error("no such outbound message")]
    NoOutbound(OutboundId),
    /// Nobody is known to whom a message could go.
    #[error("nobody to send a message to")]
    NoRecipient,
    /// A message would answer a contact of another conversation.
    #[error("what is answered belongs to another conversation")]
    OtherConversation,
    /// The message has come too far, or not far enough.
    #[error("the message is in another state")]
    OutboundState(OutboundState),
    /// What the message says is not here any more.
    #[error("the text of the message is gone")]
    OutboundTextGone,
    /// A stream of deliveries began with something else than its opening.
    #[error("the stream was not opened")]
    NotOpened,
    /// The rules were changed since the caller read them.
    #[error("the rules were changed since they were read")]
    RulesChanged,
    /// The policy was changed since the caller read it.
    #[error("the policy was changed since it was read")]
    PolicyChanged,
    /// No such file, or not yet.
    #[error("no such file")]
    NoMedia(MediaId),
    /// A contact names a file that is not there or not finished.
    #[error("a contact names a file that is not there")]
    NamesNoMedia(MediaId),
    /// Bytes cannot be appended.
    #[error("the bytes cannot be appended")]
    Unfit(Unfit),
    /// An upload cannot be finished.
    #[error("the upload cannot be finished")]
    Unfinished(Unfinished),
    /// The file is larger than a file may be, in bytes.
    #[error("the file is too large")]
    MediaTooLarge(u64),
    /// The tenant has as many bytes of files as it may, in bytes.
    #[error("the files of the tenant take all their room")]
    MediaFull(i64),
    /// What is asked for begins behind the end of the file, which has so many bytes.
    #[error("behind the end of the file")]
    BehindEnd(u64),
    /// As many files are on their way as may be.
    #[error("too many transfers")]
    TooManyTransfers,
    /// An object was not stored, read or removed.
    #[error(transparent)]
    Objects(#[from] Lost),
    /// The reader of a stream did not keep up.
    #[error("the reader does not keep up")]
    SlowReader,
    /// The service is going down.
    #[error("the service is going down")]
    GoingDown,
    /// The token that opened a stream has expired.
    #[error("the token expired")]
    TokenExpired,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Store(error) => error.into(),
            Error::Refused(failure) => failure,
            Error::ConnectorUnknown => Self::new(
                Code::PermissionDenied,
                "CONNECTOR_UNKNOWN",
                "Only a connector may log contacts: the credential names none.",
            ),
            Error::ConnectorForeign => Self::new(
                Code::PermissionDenied,
                "CONNECTOR_FOREIGN",
                "A connector sees its own only.",
            ),
            Error::ExternalIdReused(first, fields) => Self::new(
                Code::AlreadyExists,
                "EXTERNAL_ID_REUSED",
                "The external id was used with other content; this content was kept as a conflict.",
            )
            .with_meta("interaction_id", first.to_string())
            .naming(fields.into_iter().map(differs).collect()),
            Error::NoInteraction(id) => Self::not_found("interaction", &id),
            Error::NoChange(id) => Self::not_found("conversation change", &id),
            Error::AlreadyUndone => Self::new(
                Code::FailedPrecondition,
                "ALREADY_UNDONE",
                "The change was taken back already.",
            ),
            Error::InOtherConversation(id) => Self::new(
                Code::FailedPrecondition,
                "IN_OTHER_CONVERSATION",
                "An interaction is not in this conversation.",
            )
            .with_meta("interaction_id", id.to_string()),
            Error::NothingLeft => Self::new(
                Code::FailedPrecondition,
                "NOTHING_LEFT",
                "A split leaves at least one interaction.",
            ),
            Error::TooManyMerged => Self::new(
                Code::FailedPrecondition,
                "TOO_MANY_MERGED",
                "One conversation is made of 500 at most.",
            ),
            Error::TooManyCounts => Self::new(
                Code::FailedPrecondition,
                "TOO_MANY_COUNTS",
                "There are more than 10,000 counts: ask for less time, longer intervals or fewer dimensions.",
            ),
            Error::NoConversation(id) => Self::not_found("conversation", &id),
            Error::NoCustomer(id) => Self::not_found("customer", &id),
            Error::NoHold(id) => Self::not_found("legal_hold", &id),
            Error::LegalHold(id) => Self::new(
                Code::FailedPrecondition,
                "LEGAL_HOLD",
                "A legal hold stands over it; nothing was erased.",
            )
            .with_meta("legal_hold_id", id.to_string()),
            Error::NotLive => Self::new(
                Code::FailedPrecondition,
                "NOT_LIVE",
                "Only calls and chats have an end of their own.",
            ),
            Error::EndedOtherwise => Self::new(
                Code::AlreadyExists,
                "CONTACT_ENDED_ALREADY",
                "The contact ended in another way already.",
            ),
            Error::EndBeforeStart => Self::invalid(vec![Violation {
                field: "end_time".into(),
                reason: "BEFORE_START",
                description: "is before the contact began".into(),
            }]),
            Error::FactKeyReused => Self::new(
                Code::AlreadyExists,
                "FACT_KEY_REUSED",
                "The key of the fact was used with other content.",
            ),
            Error::TooManyFacts => Self::new(
                Code::FailedPrecondition,
                "TOO_MANY_FACTS",
                "A contact has at most 256 facts, of 2 MiB together.",
            ),
            Error::NoOutbound(id) => Self::not_found("outbound", &id),
            Error::NoRecipient => Self::new(
                Code::FailedPrecondition,
                "NO_RECIPIENT",
                "No customer of the conversation is known to whom a message could go.",
            ),
            Error::OtherConversation => Self::invalid(vec![Violation {
                field: "reply_to_interaction_id".into(),
                reason: "OTHER_CONVERSATION",
                description: "is not of this conversation".into(),
            }]),
            Error::OutboundState(state) => Self::new(
                Code::FailedPrecondition,
                "OUTBOUND_STATE",
                "The message has come too far for that, or not far enough.",
            )
            .with_meta("state", format!("{state:?}").to_uppercase()),
            Error::OutboundTextGone => Self::new(
                Code::FailedPrecondition,
                "OUTBOUND_TEXT_GONE",
                "What the message said is not kept any more; queue it anew.",
            ),
            Error::NotOpened => Self::invalid(vec![Violation {
                field: "opening".into(),
                reason: "REQUIRED",
                description: "must be said first".into(),
            }]),
            Error::RulesChanged => Self::new(
                Code::Aborted,
                "ETAG_MISMATCH",
                "The rules were changed since they were read.",
            ),
            Error::PolicyChanged => Self::new(
                Code::Aborted,
                "ETAG_MISMATCH",
                "The policy was changed since it was read.",
            ),
            Error::NoMedia(id) => Self::not_found("media", &id),
            Error::NamesNoMedia(id) => Self::new(
                Code::FailedPrecondition,
                "MEDIA_NOT_READY",
                "The contact names a file that is not there or whose upload is not finished.",
            )
            .with_meta("media_id", id.to_string()),
            Error::Unfit(unfit) => unfit.into(),
            Error::Unfinished(unfinished) => unfinished.into(),
            Error::MediaTooLarge(largest) => Self::invalid(vec![Violation {
                field: "size_bytes".into(),
                reason: "OUT_OF_RANGE",
                description: format!("is above {largest}, the largest file"),
            }]),
            Error::MediaFull(allowed) => Self::new(
                Code::ResourceExhausted,
                "MEDIA_QUOTA",
                "The files of the tenant take all the room they may.",
            )
            .with_quota("media of the tenant", format!("{allowed} bytes"))
            .without_retry(),
            Error::BehindEnd(size) => Self::new(
                Code::OutOfRange,
                "BEHIND_THE_END",
                "The offset lies behind the end of the file.",
            )
            .with_meta("size_bytes", size.to_string()),
            Error::TooManyTransfers => Self::new(
                Code::ResourceExhausted,
                "TOO_MANY_TRANSFERS",
                "As many files are on their way as may be at a time; try later.",
            ),
            Error::Objects(Lost::Missing) => Self::new(
                Code::DataLoss,
                "MEDIA_LOST",
                "Stored bytes of the file are not there.",
            )
            .caused_by(Lost::Missing),
            Error::Objects(lost) => Self::new(
                Code::Unavailable,
                "MEDIA_PLACE_UNREACHABLE",
                "The place of files cannot be reached; try again.",
            )
            .caused_by(lost),
            Error::SlowReader => Self::new(
                Code::ResourceExhausted,
                "SLOW_READER",
                "Answers were not read in time; the stream ends.",
            ),
            Error::GoingDown => Self::new(
                Code::Unavailable,
                "GOING_DOWN",
                "The service is going down; resume on another connection.",
            ),
            Error::TokenExpired => Self::new(
                Code::Unauthenticated,
                "TOKEN_EXPIRED",
                "The token has expired.",
            ),
        }
    }
}

impl From<Unfit> for Failure {
    fn from(unfit: Unfit) -> Self {
        let wrong = |field: &str, reason, description: String| {
            Self::invalid(vec![Violation {
                field: field.into(),
                reason,
                description,
            }])
        };
        match unfit {
            Unfit::Moved(offset) => Self::new(
                Code::Aborted,
                "UPLOAD_MOVED",
                "The upload stands elsewhere; go on at the offset that is told.",
            )
            .with_meta("offset", offset.to_string()),
            Unfit::TooMuch => wrong(
                "data",
                "TOO_LARGE",
                "goes beyond the size that was told".into(),
            ),
            Unfit::Uneven => wrong(
                "data",
                "UNEVEN",
                format!("is neither a multiple of {STEP} bytes nor the end of the file"),
            ),
            Unfit::TooLong => wrong(
                "data",
                "TOO_LARGE",
                format!("is larger than {APPEND} bytes"),
            ),
        }
    }
}

impl From<Unfinished> for Failure {
    fn from(unfinished: Unfinished) -> Self {
        match unfinished {
            Unfinished::Incomplete(received) => Self::new(
                Code::FailedPrecondition,
                "UPLOAD_INCOMPLETE",
                "Bytes of the file are missing.",
            )
            .with_meta("received_bytes", received.to_string()),
            Unfinished::OtherHash => Self::new(
                Code::FailedPrecondition,
                "HASH_DIFFERS",
                "The bytes do not have the SHA-256 that was told; begin another upload.",
            ),
        }
    }
}

impl From<Unfit> for Error {
    fn from(unfit: Unfit) -> Self {
        Self::Unfit(unfit)
    }
}

impl From<Unfinished> for Error {
    fn from(unfinished: Unfinished) -> Self {
        Self::Unfinished(unfinished)
    }
}

fn differs(field: String) -> Violation {
    Violation {
        field: format!("interaction.{field}"),
        reason: "DIFFERS",
        description: "is not what the first said".into(),
    }
}

impl From<Error> for tonic::Status {
    fn from(error: Error) -> Self {
        Failure::from(error).into()
    }
}

//! What became known later, as it is kept.

use serde::{Deserialize, Serialize};

use super::piece::{Emoji, Leg, Piece, Receipt, Speech, into_parts};
use super::{Text, is_empty, personal};
use crate::domain::{Disposition, EndReason, Known, Side};

#[derive(Serialize, Deserialize)]
pub(super) enum Told<'a> {
    #[serde(rename = "e")]
    End(i16),
    #[serde(rename = "o")]
    Disposition(Outcome<'a>),
    #[serde(rename = "d")]
    Delivery(Receipt<'a>),
    #[serde(rename = "s")]
    Transcript(Speech<'a>),
    #[serde(rename = "c")]
    Edit(Vec<Piece<'a>>),
    /// The code of a side; 0 when it is not known.
    #[serde(rename = "x")]
    Deletion(i16),
    #[serde(rename = "l")]
    CallLeg(Leg<'a>),
    #[serde(rename = "r")]
    Reaction(Emoji<'a>),
}

#[derive(Serialize, Deserialize)]
pub(super) struct Outcome<'a> {
    #[serde(rename = "c")]
    code: Text<'a>,
    #[serde(rename = "n", default, skip_serializing_if = "is_empty")]
    note: Text<'a>,
    #[serde(rename = "a", default, skip_serializing_if = "is_empty")]
    agent: Text<'a>,
}

impl<'a> From<&'a Known> for Told<'a> {
    fn from(known: &'a Known) -> Self {
        match known {
            Known::End(reason) => Self::End(reason.code()),
            Known::Disposition(one) => Self::Disposition(Outcome {
                code: (&one.code).into(),
                note: one.note.expose().into(),
                agent: (&one.agent).into(),
            }),
            Known::Delivery(one) => Self::Delivery(one.into()),
            Known::Transcript(one) => Self::Transcript(one.into()),
            Known::Edit(parts) => Self::Edit(parts.iter().map(Piece::from).collect()),
            Known::Deletion(side) => Self::Deletion(side.map_or(0, Side::code)),
            Known::CallLeg(one) => Self::CallLeg(one.into()),
            Known::Reaction(one) => Self::Reaction(one.into()),
        }
    }
}

impl Told<'_> {
    pub(super) fn into_known(self) -> Option<Known> {
        Some(match self {
            Self::End(reason) => Known::End(EndReason::from_code(reason)?),
            Self::Disposition(one) => Known::Disposition(Disposition {
                code: one.code.into_owned(),
                note: personal(one.note),
                agent: one.agent.into_owned(),
            }),
            Self::Delivery(one) => Known::Delivery(one.into_delivery()?),
            Self::Transcript(one) => Known::Transcript(one.into_transcript()?),
            Self::Edit(pieces) => Known::Edit(into_parts(pieces)?),
            Self::Deletion(side) => Known::Deletion(Side::from_code(side)),
            Self::CallLeg(one) => Known::CallLeg(one.into_leg()),
            Self::Reaction(one) => Known::Reaction(one.into_reaction()),
        })
    }
}

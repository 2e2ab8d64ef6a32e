//! The end of a live contact: said once, repeated without effect, never changed. A contact whose customer was called back
//! went on after its end, and ends again.

use rapport_foundation::time::Micros;

use super::code::{EndReason, Kind};

/// How a live contact ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// When.
    pub at: Micros,
    /// How.
    pub reason: EndReason,
}

/// What saying so does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It is noted.
    New,
    /// It was known already.
    Known,
}

/// Why a contact cannot end this way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Its form has no end.
    NotLive,
    /// It ended in another way already.
    EndedOtherwise,
    /// It would end before it began.
    BeforeStart,
}

/// Decides what a telling of an end does to a contact of this kind and start; `again` after its customer was called back.
///
/// # Errors
/// When the contact cannot end this way.
pub fn end(
    kind: Kind,
    started: Micros,
    known: Option<End>,
    wanted: End,
    again: bool,
) -> Result<Ending, Refused> {
    if !kind.is_live() {
        return Err(Refused::NotLive);
    }
    if wanted.at < started {
        return Err(Refused::BeforeStart);
    }
    match known {
        None => Ok(Ending::New),
        Some(known) if known == wanted => Ok(Ending::Known),
        Some(known) if again && known.at < wanted.at => Ok(Ending::New),
        Some(_) => Err(Refused::EndedOtherwise),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_said_once_and_repeated_without_effect() {
        let left = End {
            at: Micros(9),
            reason: EndReason::CustomerLeft,
        };
        let done = End {
            at: Micros(9),
            reason: EndReason::Completed,
        };
        assert_eq!(
            end(Kind::Call, Micros(5), None, left, false),
            Ok(Ending::New)
        );
        assert_eq!(
            end(Kind::Call, Micros(5), Some(left), left, false),
            Ok(Ending::Known)
        );
        assert_eq!(
            end(Kind::Call, Micros(5), Some(left), done, false),
            Err(Refused::EndedOtherwise)
        );
        assert_eq!(
            end(Kind::Chat, Micros(10), None, left, false),
            Err(Refused::BeforeStart)
        );
        assert_eq!(
            end(Kind::Message, Micros(5), None, left, false),
            Err(Refused::NotLive)
        );
    }

    #[test]
    fn who_was_called_back_leaves_again_and_later() {
        let ends = |at| End {
            at: Micros(at),
            reason: EndReason::CustomerLeft,
        };
        for (known, wanted, again, expected) in [
            (9, 12, true, Ok(Ending::New)),
            (9, 12, false, Err(Refused::EndedOtherwise)),
            (12, 12, true, Ok(Ending::Known)),
            (12, 9, true, Err(Refused::EndedOtherwise)),
        ] {
            let ended = end(
                Kind::Call,
                Micros(5),
                Some(ends(known)),
                ends(wanted),
                again,
            );
            assert_eq!(ended, expected, "{known} {wanted} {again}");
        }
        assert_eq!(
            end(Kind::Call, Micros(5), None, ends(12), true),
            Ok(Ending::New)
        );
    }
}

//! Files of contacts: how far an upload came, what may be appended to it, and what is served of it.

use std::ops::Range;

use rapport_foundation::id::MediaId;
use rapport_foundation::personal::Personal;
use rapport_foundation::time::Micros;
use uuid::Uuid;

mod hash;
mod sniff;

pub use hash::{Hashing, Sha256};
pub use sniff::served;

/// Uploads are kept in steps of so many bytes; only the end of a file is shorter. Small enough for a slow line, large
/// enough that a file is not thousands of objects.
pub const STEP: u64 = 256 * 1024;
/// Bytes of one piece of a stream, which is one object: more would be held in memory, less would be more objects.
pub const PIECE: u64 = 1024 * 1024;
/// Bytes of one append at most: with base64 and the message around it, below the 4 MiB of a message.
pub const APPEND: u64 = 2 * 1024 * 1024;

/// How far a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Bytes are still missing, or nobody said that it is finished.
    Uploading,
    /// It is finished and can be named.
    Ready,
    /// It is being removed: there is no such file any more.
    Going,
}

impl Stage {
    /// How it is stored.
    #[must_use]
    pub const fn code(self) -> i16 {
        match self {
            Self::Uploading => 1,
            Self::Ready => 2,
            Self::Going => 3,
        }
    }

    /// What was stored.
    #[must_use]
    pub const fn from_code(code: i16) -> Option<Self> {
        match code {
            1 => Some(Self::Uploading),
            2 => Some(Self::Ready),
            3 => Some(Self::Going),
            _ => None,
        }
    }
}

/// What a file is said to be, and what was found of it. Sealed as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// File name; empty when unknown.
    pub file_name: Personal,
    /// Media type as declared; empty when none was.
    pub declared: String,
    /// Media type to serve it as; empty until its first bytes are there.
    pub media_type: String,
    /// The hash it must have, when that was told.
    pub expected: Option<Sha256>,
    /// The hash of what is there.
    pub hashing: Hashing,
}

/// A file, finished or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    /// Its id.
    pub id: MediaId,
    /// How far it is.
    pub stage: Stage,
    /// Its size in bytes.
    pub size: u64,
    /// Bytes that are durable.
    pub received: u64,
    /// What it is.
    pub about: About,
    /// When it was begun.
    pub begun_at: Micros,
    /// When it was finished.
    pub finished_at: Micros,
}

/// A stretch of a file that is one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Where it begins in the file.
    pub start: u64,
    /// Its bytes.
    pub length: u64,
    /// Which attempt to store this stretch it is: two that race never write one object.
    pub attempt: Uuid,
}

impl Piece {
    /// Where it ends in the file.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.start + self.length
    }
}

/// Why bytes cannot be appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// So many bytes are durable; what comes next begins there.
    Moved(u64),
    /// The file would be longer than it was said to be.
    TooMuch,
    /// It is neither a multiple of [`STEP`] nor the end of the file.
    Uneven,
    /// It is more than [`APPEND`] bytes.
    TooLong,
}

/// Why an upload cannot be finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfinished {
    /// So many bytes are durable; there must be more.
    Incomplete(u64),
    /// Its bytes do not have the hash that was told.
    OtherHash,
}

impl Media {
    /// Whether so many bytes may be appended at this offset.
    ///
    /// # Errors
    /// Why not.
    pub const fn fits(&self, offset: u64, length: u64) -> Result<(), Unfit> {
        if offset != self.received {
            return Err(Unfit::Moved(self.received));
        }
        if length > self.size - self.received {
            return Err(Unfit::TooMuch);
        }
        if length.is_multiple_of(STEP) || length == self.size - self.received {
            Ok(())
        } else {
            Err(Unfit::Uneven)
        }
    }

    /// How many of so many bytes that came can be kept when no more follow.
    #[must_use]
    pub const fn keeps(&self, length: u64) -> u64 {
        if length == self.size - self.received {
            length
        } else {
            length - length % STEP
        }
    }

    /// Takes the next bytes into account: how many are there, what they are, and their hash.
    #[must_use]
    pub fn grown(mut self, piece: &[u8]) -> Self {
        if self.received == 0 {
            self.about.media_type = served(&self.about.declared, piece);
        }
        self.received += piece.len() as u64;
        self.about.hashing = self.about.hashing.over(piece, self.received == self.size);
        self
    }

    /// Whether the upload can be finished.
    ///
    /// # Errors
    /// Why not.
    pub fn complete(&self) -> Result<(), Unfinished> {
        let Hashing::Done(hash) = &self.about.hashing else {
            return Err(Unfinished::Incomplete(self.received));
        };
        match &self.about.expected {
            Some(expected) if expected != hash => Err(Unfinished::OtherHash),
            _ => Ok(()),
        }
    }

    /// The bytes that are asked for; none when the offset is behind the last.
    #[must_use]
    pub fn range(&self, offset: u64, length: u64) -> Option<Range<u64>> {
        let end = match length {
            0 => self.size,
            length => offset.saturating_add(length).min(self.size),
        };
        (offset < self.size).then_some(offset..end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn media(size: u64) -> Media {
        Media {
            id: MediaId::nil(),
            stage: Stage::Uploading,
            size,
            received: 0,
            about: About::default(),
            begun_at: Micros::EPOCH,
            finished_at: Micros::EPOCH,
        }
    }

    #[test]
    fn bytes_are_appended_where_the_last_ended_in_whole_steps() {
        let mut media = media(STEP * 2 + 5);
        assert_eq!(media.fits(0, STEP), Ok(()));
        assert_eq!(media.fits(0, 0), Ok(()));
        assert_eq!(media.fits(0, STEP * 2 + 5), Ok(()));
        assert_eq!(media.fits(0, STEP + 1), Err(Unfit::Uneven));
        assert_eq!(media.fits(0, STEP * 2 + 6), Err(Unfit::TooMuch));
        assert_eq!(media.fits(STEP, STEP), Err(Unfit::Moved(0)));
        media.received = STEP * 2;
        assert_eq!(media.fits(STEP * 2, 5), Ok(()));
        assert_eq!(media.fits(STEP * 2, 4), Err(Unfit::Uneven));
        assert_eq!((media.keeps(5), media.keeps(4)), (5, 0));
        media.received = 0;
        assert_eq!(media.keeps(STEP + 7), STEP);
    }

    #[test]
    fn an_upload_is_complete_when_size_and_hash_agree() {
        let halo = "a4e63bcacf6c172ad84f9f4523c8f1acaf33676fa76d3258c67b7e7bbf16d777";
        let half = media(128).grown(&[b'a'; 64]);
        assert_eq!(half.complete(), Err(Unfinished::Incomplete(64)));
        let mut whole = media(4).grown(b"halo");
        assert_eq!(whole.complete(), Ok(()));
        assert_eq!(whole.about.media_type, "text/plain");
        whole.about.expected = Sha256::parse(halo);
        assert_eq!(whole.complete(), Ok(()));
        whole.about.expected = Some(Sha256([0; 32]));
        assert_eq!(whole.complete(), Err(Unfinished::OtherHash));
    }

    #[test]
    fn a_range_ends_with_the_file() {
        let media = media(10);
        assert_eq!(media.range(0, 0), Some(0..10));
        assert_eq!(media.range(4, 3), Some(4..7));
        assert_eq!(media.range(4, u64::MAX), Some(4..10));
        assert_eq!(media.range(10, 0), None);
    }
}

//! Physical lines of a file, numbered from 1, none longer than a limit.

use std::collections::VecDeque;
use std::io::{self, BufRead, Read as _};

/// A row may hold a message of 1 MiB; what is longer cannot be a contact.
pub(super) const MAX_LINE_BYTES: usize = 2 * 1024 * 1024;

/// One line without its line feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) number: u64,
    pub(super) bytes: Vec<u8>,
    /// Whether the rest was dropped because the line is too long.
    pub(super) cut: bool,
}

/// Reads lines, and takes back those that were read in vain.
pub(super) struct Lines<R> {
    reader: R,
    number: u64,
    returned: VecDeque<Line>,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Lines {
            reader,
            number: 0,
            returned: VecDeque::new(),
        }
    }

    /// The next line, None at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Line>> {
        if let Some(line) = self.returned.pop_front() {
            return Ok(Some(line));
        }
        let mut bytes = Vec::new();
        let limit = MAX_LINE_BYTES as u64 + 1;
        self.reader
            .by_ref()
            .take(limit)
            .read_until(b'\n', &mut bytes)?;
        if bytes.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        let ended = bytes.pop_if(|last| *last == b'\n').is_some();
        let cut = !ended && bytes.len() > MAX_LINE_BYTES;
        if cut {
            bytes.truncate(MAX_LINE_BYTES);
            self.skip_rest()?;
        } else {
            bytes.pop_if(|last| *last == b'\r');
        }
        if self.number == 1 && bytes.starts_with(b"\xef\xbb\xbf") {
            bytes.drain(..3);
        }
        Ok(Some(Line {
            number: self.number,
            bytes,
            cut,
        }))
    }

    /// Gives lines back; they come again in the same order.
    pub(super) fn give_back(&mut self, lines: Vec<Line>) {
        for line in lines.into_iter().rev() {
            self.returned.push_front(line);
        }
    }

    fn skip_rest(&mut self) -> io::Result<()> {
        loop {
            let buffer = self.reader.fill_buf()?;
            if buffer.is_empty() {
                return Ok(());
            }
            match buffer.iter().position(|byte| *byte == b'\n') {
                Some(at) => {
                    self.reader.consume(at + 1);
                    return Ok(());
                }
                None => {
                    let length = buffer.len();
                    self.reader.consume(length);
                }
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> Vec<Line> {
        let mut lines = Lines::new(bytes);
        std::iter::from_fn(|| lines.next().unwrap()).collect()
    }

    #[test]
    fn lines_are_numbered_and_lose_their_ends() {
        let lines = all(b"\xef\xbb\xbfa\r\nb\n\nc");
        let texts: Vec<_> = lines.iter().map(|line| line.bytes.as_slice()).collect();
        assert_eq!(texts, [&b"a"[..], b"b", b"", b"c"]);
        assert_eq!(lines[3].number, 4);
    }

    #[test]
    fn a_line_without_end_is_cut_and_the_next_one_found() {
        let mut bytes = vec![b'x'; MAX_LINE_BYTES * 2];
        bytes.extend_from_slice(b"\nnext\n");
        let lines = all(&bytes);
        assert!(lines[0].cut && lines[0].bytes.len() == MAX_LINE_BYTES);
        assert_eq!(
            (lines[1].number, lines[1].bytes.as_slice()),
            (2, &b"next"[..])
        );
    }
}

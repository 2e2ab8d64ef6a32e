//! CSV as it is found: quoted cells over several lines, and every way of being broken.
//!
//! A cell whose quote is never closed would swallow the rest of the file. So a row that does not come
//! out right over several lines is taken to be broken on its first line alone, and reading goes on
//! with the second.

use std::io::{self, BufRead};

use super::lines::{Line, Lines, MAX_LINE_BYTES};
use super::row::{Header, Read, Reject, Row, Values};

/// A cell with more lines than this is taken for one whose quote was never closed.
const MAX_ROW_LINES: usize = 200;

/// Reads rows of one CSV file.
pub(super) struct CsvRows<R> {
    lines: Lines<R>,
    delimiter: u8,
    columns: usize,
}

/// Where a scan over a row stands after some of its lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quote {
    /// Outside of quotes: a line end ends the row.
    Closed,
    /// Inside: the row goes on.
    Open,
    /// Something stands between a closing quote and the next delimiter.
    Stray,
}

impl<R: BufRead> CsvRows<R> {
    /// Reads the header, or counts the columns of the first row when there is none.
    ///
    /// # Errors
    /// When the file cannot be read or begins with nothing that could be a header.
    pub(super) fn open(reader: R, delimiter: u8, has_header: bool) -> io::Result<(Self, Header)> {
        let mut rows = CsvRows {
            lines: Lines::new(reader),
            delimiter,
            columns: 0,
        };
        let invalid = |text: &str| io::Error::new(io::ErrorKind::InvalidData, text.to_owned());
        let lines = match rows.take_row()? {
            None => return Err(invalid("the file is empty")),
            Some(Err(broken)) => {
                return Err(invalid(&format!("the first line: {}", broken.detail)));
            }
            Some(Ok(lines)) => lines,
        };
        let cells = csv::StringRecord::from_byte_record(split(&joined(&lines), delimiter))
            .map_err(|_| invalid("the first line is not UTF-8"))?;
        rows.columns = cells.len();
        let names = if has_header {
            cells.iter().map(|name| name.trim().to_owned()).collect()
        } else {
            rows.lines.give_back(lines);
            (1..=cells.len())
                .map(|place| format!("column {place}"))
                .collect()
        };
        Ok((rows, Header { names }))
    }

    /// The next row, None at the end. Empty lines are no rows.
    ///
    /// # Errors
    /// When the file cannot be read on.
    pub(super) fn next(&mut self) -> io::Result<Option<Read>> {
        let lines = match self.take_row()? {
            None => return Ok(None),
            Some(Ok(lines)) => lines,
            Some(Err(broken)) => return Ok(Some(Read::Broken(broken))),
        };
        let number = lines[0].number;
        let raw = joined(&lines);
        let cells = split(&raw, self.delimiter);
        if cells.len() != self.columns {
            let detail = format!("it has {} columns instead of {}", cells.len(), self.columns);
            // Several lines with a wrong count: a quote has swallowed what follows it.
            let reason = if lines.len() > 1 {
                "UNCLOSED_QUOTE"
            } else {
                "COLUMN_COUNT"
            };
            return Ok(Some(Read::Broken(self.first_only(lines, reason, detail))));
        }
        match csv::StringRecord::from_byte_record(cells) {
            Ok(cells) => Ok(Some(Read::Row(Row {
                line: number,
                values: Values::Cells(cells),
                raw: String::from_utf8_lossy(&raw).into_owned(),
            }))),
            Err(error) => {
                let detail = format!("column {} is not UTF-8", error.utf8_error().field() + 1);
                Ok(Some(Read::Broken(reject(&lines, "NOT_UTF8", detail))))
            }
        }
    }

    /// The lines of the next row, or its first line as a reject.
    fn take_row(&mut self) -> io::Result<Option<Result<Vec<Line>, Reject>>> {
        let first = loop {
            match self.lines.next()? {
                None => return Ok(None),
                Some(line) if line.bytes.is_empty() => (),
                Some(line) => break line,
            }
        };
        if first.cut {
            let detail = format!("it is longer than {MAX_LINE_BYTES} bytes");
            return Ok(Some(Err(reject(&[first], "LINE_TOO_LONG", detail))));
        }
        let mut quote = scan(&first.bytes, Quote::Closed, self.delimiter);
        let mut bytes = first.bytes.len();
        let mut lines = vec![first];
        while quote == Quote::Open {
            let room = lines.len() < MAX_ROW_LINES && bytes < MAX_LINE_BYTES;
            match if room { self.lines.next()? } else { None } {
                Some(line) if !line.cut => {
                    quote = scan(&line.bytes, quote, self.delimiter);
                    bytes += line.bytes.len();
                    lines.push(line);
                }
                other => {
                    self.lines.give_back(other.into_iter().collect());
                    break;
                }
            }
        }
        Ok(Some(match quote {
            Quote::Closed => Ok(lines),
            Quote::Open => {
                Err(self.first_only(lines, "UNCLOSED_QUOTE", "a quote is never closed".into()))
            }
            Quote::Stray if lines.len() > 1 => Err(self.first_only(
                lines,
                "UNCLOSED_QUOTE",
                "a quote is not closed on its line".into(),
            )),
            Quote::Stray => {
                let detail = "something follows a closing quote".into();
                Err(self.first_only(lines, "STRAY_QUOTE", detail))
            }
        }))
    }

    /// Rejects the first line; the others get their chance as rows of their own.
    fn first_only(&mut self, mut lines: Vec<Line>, reason: &str, detail: String) -> Reject {
        let rest = lines.split_off(1);
        self.lines.give_back(rest);
        reject(&lines, reason, detail)
    }
}

fn reject(lines: &[Line], reason: &str, detail: String) -> Reject {
    Reject {
        line: lines.first().map_or(0, |line| line.number),
        reason: reason.to_owned(),
        detail,
        raw: String::from_utf8_lossy(&joined(lines)).into_owned(),
    }
}

fn joined(lines: &[Line]) -> Vec<u8> {
    let parts: Vec<&[u8]> = lines.iter().map(|line| line.bytes.as_slice()).collect();
    parts.join(&b'\n')
}

/// Whether a row is over at the end of this line. A quote opens a cell only at its beginning.
fn scan(line: &[u8], mut quote: Quote, delimiter: u8) -> Quote {
    let mut at_start = quote == Quote::Closed;
    let mut bytes = line.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match quote {
            Quote::Stray => return Quote::Stray,
            Quote::Open if byte == b'"' => match bytes.peek() {
                Some(b'"') => {
                    bytes.next();
                }
                None => quote = Quote::Closed,
                Some(next) if *next == delimiter => quote = Quote::Closed,
                Some(_) => return Quote::Stray,
            },
            Quote::Open => (),
            Quote::Closed if byte == b'"' && at_start => quote = Quote::Open,
            Quote::Closed => (),
        }
        at_start = byte == delimiter && quote == Quote::Closed;
    }
    quote
}

/// The cells of a row that [`scan`] has found whole. The library's reader builds a table for each stream it
/// reads, and every row would be a stream of its own.
fn split(row: &[u8], delimiter: u8) -> csv::ByteRecord {
    let mut cells = csv::ByteRecord::new();
    let mut rest = Some(row);
    while let Some(text) = rest {
        let mut cell = Vec::new();
        let mut from = 0;
        let quoted = text.first() == Some(&b'"');
        if quoted {
            from = 1;
            while let Some(quote) = text[from..].iter().position(|byte| *byte == b'"') {
                cell.extend_from_slice(&text[from..from + quote]);
                from += quote + 1;
                if text.get(from) != Some(&b'"') {
                    break;
                }
                cell.push(b'"');
                from += 1;
            }
        }
        let end = text[from..]
            .iter()
            .position(|byte| *byte == delimiter)
            .map(|at| from + at);
        if !quoted {
            cell.extend_from_slice(&text[..end.unwrap_or(text.len())]);
        }
        cells.push_field(&cell);
        rest = end.map(|end| &text[end + 1..]);
    }
    cells
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// Rows as `line: cells`, rejects as `line! reason`.
    fn read(bytes: &[u8]) -> Vec<String> {
        let (mut rows, _) = CsvRows::open(bytes, b',', true).unwrap();
        let mut seen = Vec::new();
        while let Some(read) = rows.next().unwrap() {
            seen.push(match read {
                Read::Row(row) => {
                    let Values::Cells(cells) = &row.values else {
                        unreachable!()
                    };
                    format!(
                        "{}: {}",
                        row.line,
                        cells.iter().collect::<Vec<_>>().join("|")
                    )
                }
                Read::Broken(reject) => format!("{}! {}", reject.line, reject.reason),
            });
        }
        seen
    }

    #[test]
    fn cells_may_hold_delimiters_quotes_and_line_ends() {
        let seen =
            read(b"a,b\n\"x,y\",\"say \"\"no\"\"\"\n1,\"two\nlines\"\n\n3,4\r\n\"\",\nx\"y,");
        assert_eq!(
            seen,
            [
                "2: x,y|say \"no\"",
                "3: 1|two\nlines",
                "6: 3|4",
                "7: |",
                "8: x\"y|"
            ]
        );
    }

    #[test]
    fn a_wrong_number_of_columns_rejects_its_own_line_only() {
        assert_eq!(
            read(b"a,b\n1\n1,2,3\n1,2\n"),
            ["2! COLUMN_COUNT", "3! COLUMN_COUNT", "4: 1|2"]
        );
    }

    #[test]
    fn an_unclosed_quote_does_not_swallow_what_follows() {
        assert_eq!(
            read(b"a,b\n1,\"open\n2,\"shut\"\n3,x\n"),
            ["2! UNCLOSED_QUOTE", "3: 2|shut", "4: 3|x"]
        );
        assert_eq!(
            read(b"a,b\n1,\"open\n2,y\n3,x"),
            ["2! UNCLOSED_QUOTE", "3: 2|y", "4: 3|x"]
        );
    }

    #[test]
    fn bytes_that_are_no_utf8_are_named_with_their_column() {
        assert_eq!(
            read(b"a,b\n1,\xff\xfe\n2,\xc3\xa9\n"),
            ["2! NOT_UTF8", "3: 2|\u{e9}"]
        );
    }

    #[test]
    fn text_behind_a_closing_quote_is_refused() {
        assert_eq!(read(b"a,b\n\"x\"y,2\n1,2\n"), ["2! STRAY_QUOTE", "3: 1|2"]);
    }

    #[test]
    fn a_line_beyond_the_limit_is_refused_without_being_kept() {
        let mut bytes = b"a,b\n".to_vec();
        bytes.extend(std::iter::repeat_n(b'x', MAX_LINE_BYTES + 10));
        bytes.extend_from_slice(b"\n1,2\n");
        assert_eq!(read(&bytes), ["2! LINE_TOO_LONG", "3: 1|2"]);
    }

    #[test]
    fn an_empty_file_is_told_from_an_empty_table() {
        assert!(CsvRows::open(&b""[..], b',', true).is_err());
        assert!(read(b"a,b\n").is_empty());
    }
}

//! One JSON object a line.

use std::io::{self, BufRead};

use super::lines::{Line, Lines, MAX_LINE_BYTES};
use super::row::{Read, Reject, Row, Values};

/// Reads rows of one NDJSON file.
pub(super) struct NdjsonRows<R> {
    lines: Lines<R>,
}

impl<R: BufRead> NdjsonRows<R> {
    pub(super) fn new(reader: R) -> Self {
        NdjsonRows {
            lines: Lines::new(reader),
        }
    }

    /// The next row, None at the end. Blank lines are no rows.
    pub(super) fn next(&mut self) -> io::Result<Option<Read>> {
        loop {
            match self.lines.next()? {
                None => return Ok(None),
                Some(line) if line.bytes.trim_ascii().is_empty() => (),
                Some(line) => return Ok(Some(parse(line))),
            }
        }
    }
}

fn parse(line: Line) -> Read {
    let reject = |reason: &str, detail: String| {
        Read::Broken(Reject {
            line: line.number,
            reason: reason.to_owned(),
            detail,
            raw: String::from_utf8_lossy(&line.bytes).into_owned(),
        })
    };
    if line.cut {
        return reject(
            "LINE_TOO_LONG",
            format!("it is longer than {MAX_LINE_BYTES} bytes"),
        );
    }
    let Ok(text) = std::str::from_utf8(&line.bytes) else {
        return reject("NOT_UTF8", "it is not UTF-8".into());
    };
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(serde_json::Value::Object(object)) => Read::Row(Row {
            line: line.number,
            values: Values::Object(object),
            raw: text.to_owned(),
        }),
        Ok(_) => reject("MALFORMED_ROW", "it is no JSON object".into()),
        Err(error) => reject("MALFORMED_ROW", format!("it is no JSON: {error}")),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::row::Column;
    use super::*;

    #[test]
    fn members_are_found_at_the_top_and_below() {
        let text = br#"{"id":7,"who":{"phone":"+62"},"a.b":"flat","gone":null}"#;
        let mut rows = NdjsonRows::new(&text[..]);
        let Some(Read::Row(row)) = rows.next().unwrap() else {
            panic!("a row")
        };
        let text = |path: &str| row.text(&Column::Member(path.to_owned()));
        assert_eq!(text("id").as_deref(), Some("7"));
        assert_eq!(text("who.phone").as_deref(), Some("+62"));
        assert_eq!(text("a.b").as_deref(), Some("flat"));
        assert_eq!((text("gone"), text("who.mail")), (None, None));
    }

    #[test]
    fn lines_that_are_no_objects_are_rejected_one_by_one() {
        let mut rows = NdjsonRows::new(&b"[1]\n{\"a\"\n\xff\n\n{\"a\":1}"[..]);
        let mut seen = Vec::new();
        while let Some(read) = rows.next().unwrap() {
            seen.push(match read {
                Read::Row(row) => format!("{}", row.line),
                Read::Broken(reject) => format!("{}! {}", reject.line, reject.reason),
            });
        }
        assert_eq!(
            seen,
            ["1! MALFORMED_ROW", "2! MALFORMED_ROW", "3! NOT_UTF8", "5"]
        );
    }
}

//! A file of contacts, opened: plain or gzip, CSV or NDJSON.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::csv_rows::CsvRows;
use super::map::{Format, Source};
use super::ndjson_rows::NdjsonRows;
use super::row::{Header, Read};

/// The first two bytes of every gzip file.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

type Bytes = Box<dyn BufRead + Send>;

/// The rows of one file.
pub(super) enum Rows {
    Csv(CsvRows<Bytes>),
    Ndjson(NdjsonRows<Bytes>),
}

/// How far a file is read, in bytes of the file itself; for the progress bar.
#[derive(Debug, Clone, Default)]
pub(super) struct Consumed(Arc<AtomicU64>);

impl Consumed {
    pub(super) fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Rows {
    /// Opens a file; whether it is compressed is seen by its content, not by its name.
    ///
    /// # Errors
    /// When it cannot be read, or does not begin like a file of that kind.
    pub(super) fn open(path: &Path, source: &Source) -> io::Result<(Rows, Header, Consumed)> {
        let consumed = Consumed::default();
        let mut file = BufReader::with_capacity(
            64 * 1024,
            Counted {
                file: File::open(path)?,
                consumed: consumed.clone(),
            },
        );
        let bytes: Bytes = if file.fill_buf()?.starts_with(&GZIP_MAGIC) {
            let plain = flate2::bufread::MultiGzDecoder::new(file);
            Box::new(BufReader::with_capacity(64 * 1024, plain))
        } else {
            Box::new(file)
        };
        let (rows, header) = match source.format {
            Format::Csv => {
                let delimiter = u8::try_from(source.delimiter)
                    .ok()
                    .filter(u8::is_ascii)
                    .ok_or_else(|| {
                        io::Error::other("source.delimiter must be one ASCII character")
                    })?;
                let (rows, header) = CsvRows::open(bytes, delimiter, source.header)?;
                (Rows::Csv(rows), header)
            }
            Format::Ndjson => (Rows::Ndjson(NdjsonRows::new(bytes)), Header::default()),
        };
        Ok((rows, header, consumed))
    }

    /// The next row, None at the end.
    ///
    /// # Errors
    /// When the file cannot be read on, such as a gzip file that was cut short.
    pub(super) fn next(&mut self) -> io::Result<Option<Read>> {
        match self {
            Rows::Csv(rows) => rows.next(),
            Rows::Ndjson(rows) => rows.next(),
        }
    }
}

struct Counted {
    file: File,
    consumed: Consumed,
}

impl io::Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read(buffer)?;
        self.consumed.0.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn gzip_is_told_by_content_and_a_cut_file_gives_what_it_has() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("contacts.csv");
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
        packed.write_all(b"a,b\n1,2\n").unwrap();
        packed.write_all(&b"3,4\n".repeat(50_000)).unwrap();
        let packed = packed.finish().unwrap();
        for (bytes, whole) in [(&packed[..], true), (&packed[..packed.len() / 2], false)] {
            std::fs::write(&path, bytes).unwrap();
            let (mut rows, header, consumed) = Rows::open(&path, &Source::default()).unwrap();
            assert_eq!(header.names, ["a", "b"]);
            let mut count = 0;
            let ended = loop {
                match rows.next() {
                    Ok(Some(_)) => count += 1,
                    Ok(None) => break true,
                    Err(_) => break false,
                }
            };
            assert_eq!(ended, whole);
            assert!(count > 10_000 && (count == 50_001) == whole);
            assert_eq!(consumed.bytes(), bytes.len() as u64);
        }
    }
}

//! Parquet. A file of it is whole only with its last bytes, so every finished row group is a small file of its own in a
//! folder beside, which names the cursor behind it. In the end their bytes are put together: nothing is written anew.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::column::writer::{ColumnCloseResult, ColumnWriter};
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::TypePtr;
use rapport_proto::interactions::v1::Interaction;

use super::columns::{COLUMNS, Kind};
use super::keep;
use super::row::{Cell, Writer, cell};
use super::run::Error;
use super::sink::Standing;

/// A row group ends beyond so many bytes of text: it is held in memory until then.
const GROUP_BYTES: usize = 32 * 1024 * 1024;
/// What the small files say of themselves.
const FINGERPRINT: &str = "rapport.fingerprint";
const CURSOR: &str = "rapport.cursor";
const ROWS: &str = "rapport.rows";

/// Row groups on their way.
pub(super) struct Groups {
    writer: Writer,
    schema: TypePtr,
    out: Out,
    /// Rows of a group at most.
    most: usize,
    columns: Vec<Held>,
    rows: usize,
    bytes: usize,
    standing: Standing,
}

enum Out {
    Stream(Box<SerializedFileWriter<io::Stdout>>),
    Folder(Folder),
}

/// The finished row groups.
struct Folder {
    /// The name of the file once it is whole.
    whole: PathBuf,
    folder: PathBuf,
    fingerprint: String,
    finished: usize,
}

/// The cells of a column.
enum Held {
    Texts(Vec<ByteArray>, Vec<i16>),
    Numbers(Vec<i64>, Vec<i16>),
    Flags(Vec<bool>),
}

impl Groups {
    /// Row groups to standard output, which nothing can go on with.
    pub(super) fn to_stdout(most: usize) -> Result<Self, Error> {
        let schema = schema().map_err(unwritable)?;
        let out = SerializedFileWriter::new(io::stdout(), Arc::clone(&schema), properties(None));
        let out = Out::Stream(Box::new(out.map_err(unwritable)?));
        Groups::new(schema, out, most, Standing::default())
    }

    /// Row groups to a file, from where an earlier run left it.
    pub(super) fn to_file(whole: &Path, fingerprint: &str, most: usize) -> Result<Self, Error> {
        let folder = Folder {
            whole: whole.to_owned(),
            folder: keep::with(whole, ".part"),
            fingerprint: fingerprint.to_owned(),
            finished: 0,
        };
        let (folder, standing) = folder.open()?;
        let schema = schema().map_err(unwritable)?;
        Groups::new(schema, Out::Folder(folder), most, standing)
    }

    fn new(schema: TypePtr, out: Out, most: usize, standing: Standing) -> Result<Self, Error> {
        Ok(Groups {
            writer: Writer::new()?,
            schema,
            out,
            most: most.max(1),
            columns: empty(),
            rows: 0,
            bytes: 0,
            standing,
        })
    }

    pub(super) fn standing(&self) -> Standing {
        self.standing.clone()
    }

    /// Takes a row; `cursor` goes on behind it.
    pub(super) fn put(&mut self, one: &Interaction, cursor: String) -> Result<(), Error> {
        let contact = self.writer.value(one)?;
        for (column, held) in COLUMNS.iter().zip(&mut self.columns) {
            self.bytes += held.take(cell(&contact, column));
        }
        self.rows += 1;
        self.standing.rows += 1;
        self.standing.cursor = cursor;
        if self.rows >= self.most || self.bytes >= GROUP_BYTES {
            self.finish_group()?;
        }
        Ok(())
    }

    pub(super) fn pass(&mut self, cursor: String) {
        self.standing.cursor = cursor;
    }

    /// Writes what is held as a row group: it is not asked for again.
    pub(super) fn finish_group(&mut self) -> Result<(), Error> {
        if self.rows == 0 {
            return Ok(());
        }
        let columns = std::mem::replace(&mut self.columns, empty());
        (self.rows, self.bytes) = (0, 0);
        match &mut self.out {
            Out::Stream(out) => {
                group(out, &columns).map_err(unwritable)?;
                out.flush().map_err(Error::Stdout)
            }
            Out::Folder(folder) => folder.keep(&self.schema, &columns, &self.standing),
        }
    }

    /// Puts the row groups together and gives the file its name.
    pub(super) fn close(mut self) -> Result<(), Error> {
        self.finish_group()?;
        match self.out {
            Out::Stream(mut out) => {
                out.finish().map_err(unwritable)?;
                out.inner_mut().flush().map_err(Error::Stdout)
            }
            Out::Folder(folder) => folder.put_together(&self.schema),
        }
    }
}

impl Folder {
    /// Looks which row groups an earlier run finished, and where it stood.
    fn open(mut self) -> Result<(Self, Standing), Error> {
        let another = || Error::Another(self.folder.clone());
        if self.folder.exists() && !self.folder.is_dir() {
            return Err(another());
        }
        let failed = |source| Error::file(&self.folder, source);
        keep::private_folder(&self.folder).map_err(failed)?;
        let mut finished = 0;
        while self.group(finished + 1).exists() {
            finished += 1;
        }
        let mut standing = Standing::default();
        if finished > 0 {
            let (_, metadata) = read(&self.group(finished))?;
            let said = |name: &str| {
                let all = metadata.file_metadata().key_value_metadata();
                let found = all?.iter().find(|one| one.key == name);
                found.and_then(|one| one.value.clone())
            };
            let rows = said(ROWS).and_then(|rows| rows.parse().ok());
            let same = said(FINGERPRINT).as_ref() == Some(&self.fingerprint);
            let known = said(CURSOR).zip(rows).filter(|_| same);
            let (cursor, rows) = known.ok_or_else(another)?;
            standing = Standing { cursor, rows };
        }
        self.finished = finished;
        Ok((self, standing))
    }

    fn group(&self, number: usize) -> PathBuf {
        self.folder.join(format!("{number:06}.parquet"))
    }

    fn keep(
        &mut self,
        schema: &TypePtr,
        columns: &[Held],
        standing: &Standing,
    ) -> Result<(), Error> {
        let next = self.folder.join("next");
        let failed = |source| Error::file(&next, source);
        let file = keep::private(&next).map_err(failed)?;
        let said = [
            (FINGERPRINT, self.fingerprint.clone()),
            (CURSOR, standing.cursor.clone()),
            (ROWS, standing.rows.to_string()),
        ];
        let said = said.map(|(key, value)| KeyValue::new(key.to_owned(), value));
        let properties = properties(Some(said.to_vec()));
        let mut out =
            SerializedFileWriter::new(&file, Arc::clone(schema), properties).map_err(unwritable)?;
        group(&mut out, columns).map_err(unwritable)?;
        out.close().map_err(unwritable)?;
        keep::settle(&file, &next, &self.group(self.finished + 1)).map_err(failed)?;
        self.finished += 1;
        Ok(())
    }

    fn put_together(&self, schema: &TypePtr) -> Result<(), Error> {
        let next = self.folder.join("whole");
        let failed = |source| Error::file(&next, source);
        let file = keep::private(&next).map_err(failed)?;
        let mut out = SerializedFileWriter::new(&file, Arc::clone(schema), properties(None))
            .map_err(unwritable)?;
        for number in 1..=self.finished {
            let (from, metadata) = read(&self.group(number))?;
            append(&mut out, &from, &metadata).map_err(unwritable)?;
        }
        out.close().map_err(unwritable)?;
        keep::settle(&file, &next, &self.whole).map_err(failed)?;
        // The file is whole: what stays of its parts is of no use and does no harm.
        let _ = std::fs::remove_dir_all(&self.folder);
        Ok(())
    }
}

fn unwritable(error: ParquetError) -> Error {
    Error::Row(error.to_string())
}

fn read(path: &Path) -> Result<(File, ParquetMetaData), Error> {
    let file = File::open(path).map_err(|source| Error::file(path, source))?;
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&file);
    Ok((file, metadata.map_err(unwritable)?))
}

fn properties(said: Option<Vec<KeyValue>>) -> Arc<WriterProperties> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by(format!("rapport {}", env!("CARGO_PKG_VERSION")))
        .set_key_value_metadata(said);
    Arc::new(properties.build())
}

fn schema() -> Result<TypePtr, ParquetError> {
    let column = |kind: Kind| match kind {
        Kind::Text | Kind::Name(_) | Kind::Said => ("OPTIONAL BYTE_ARRAY", " (STRING)"),
        Kind::Json => ("OPTIONAL BYTE_ARRAY", " (JSON)"),
        Kind::Number => ("OPTIONAL INT64", ""),
        Kind::Time => ("OPTIONAL INT64", " (TIMESTAMP(MICROS,true))"),
        Kind::Flag => ("REQUIRED BOOLEAN", ""),
    };
    let columns = COLUMNS.iter().map(|one| {
        let (kept, meant) = column(one.kind);
        format!("{kept} {}{meant};", one.name)
    });
    let columns: Vec<String> = columns.collect();
    let text = format!("message interaction {{ {} }}", columns.join(" "));
    parse_message_type(&text).map(Arc::new)
}

fn empty() -> Vec<Held> {
    let held = |kind| match kind {
        Kind::Flag => Held::Flags(Vec::new()),
        Kind::Number | Kind::Time => Held::Numbers(Vec::new(), Vec::new()),
        _ => Held::Texts(Vec::new(), Vec::new()),
    };
    COLUMNS.iter().map(|column| held(column.kind)).collect()
}

impl Held {
    /// Takes a cell; answers how many bytes of text it holds.
    fn take(&mut self, cell: Option<Cell>) -> usize {
        match (self, cell) {
            (Held::Texts(texts, levels), Some(Cell::Text(text))) => {
                let bytes = text.len();
                texts.push(text.into_bytes().into());
                levels.push(1);
                bytes
            }
            (
                Held::Numbers(numbers, levels),
                Some(Cell::Number(number) | Cell::Time(number, _)),
            ) => {
                numbers.push(number);
                levels.push(1);
                8
            }
            (Held::Flags(flags), cell) => {
                flags.push(cell == Some(Cell::Flag(true)));
                1
            }
            (Held::Texts(_, levels) | Held::Numbers(_, levels), _) => {
                levels.push(0);
                2
            }
        }
    }
}

fn group<W: Write + Send>(
    out: &mut SerializedFileWriter<W>,
    columns: &[Held],
) -> Result<(), ParquetError> {
    let mut group = out.next_row_group()?;
    for held in columns {
        let Some(mut column) = group.next_column()? else {
            break;
        };
        match (held, column.untyped()) {
            (Held::Texts(texts, levels), ColumnWriter::ByteArrayColumnWriter(out)) => {
                out.write_batch(texts, Some(levels), None)?;
            }
            (Held::Numbers(numbers, levels), ColumnWriter::Int64ColumnWriter(out)) => {
                out.write_batch(numbers, Some(levels), None)?;
            }
            (Held::Flags(flags), ColumnWriter::BoolColumnWriter(out)) => {
                out.write_batch(flags, None, None)?;
            }
            _ => return Err(ParquetError::General("a column is of another kind".into())),
        }
        column.close()?;
    }
    group.close()?;
    Ok(())
}

/// Copies row groups as they are.
fn append<W: Write + Send>(
    out: &mut SerializedFileWriter<W>,
    from: &File,
    metadata: &ParquetMetaData,
) -> Result<(), ParquetError> {
    for rows in metadata.row_groups() {
        let mut group = out.next_row_group()?;
        for column in rows.columns() {
            let copied = ColumnCloseResult {
                bytes_written: u64::try_from(column.compressed_size()).unwrap_or(0),
                rows_written: u64::try_from(rows.num_rows()).unwrap_or(0),
                metadata: column.clone(),
                bloom_filter: None,
                column_index: None,
                offset_index: None,
            };
            group.append_column(from, copied)?;
        }
        group.close()?;
    }
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use parquet::file::reader::{FileReader as _, SerializedFileReader};
    use parquet::record::Field;

    use super::super::row::tests::contact;
    use super::*;

    fn put(groups: &mut Groups, numbers: std::ops::Range<i64>) {
        for number in numbers {
            let cursor = format!("behind {number}");
            groups.put(&contact(number), cursor).unwrap();
        }
    }

    /// A cell as the row of it says.
    fn same(field: &Field, cell: Option<Cell>) -> bool {
        match (field, cell) {
            (Field::Null, None) => true,
            (Field::Str(field), Some(Cell::Text(cell))) => *field == cell,
            (Field::Long(field), Some(Cell::Number(cell))) => *field == cell,
            (Field::TimestampMicros(field), Some(Cell::Time(cell, _))) => *field == cell,
            (Field::Bool(field), Some(Cell::Flag(cell))) => *field == cell,
            _ => false,
        }
    }

    #[test]
    fn row_groups_go_on_behind_the_last_that_is_whole_and_become_one_file() {
        let folder = tempfile::tempdir().unwrap();
        let whole = folder.path().join("whole.parquet");
        let mut groups = Groups::to_file(&whole, "f", 3).unwrap();
        put(&mut groups, 0..8);
        // Two are whole, and the run dies while it writes the third.
        drop(groups);
        let part = keep::with(&whole, ".part");
        std::fs::write(part.join("next"), b"PAR1 torn").unwrap();
        let other = Groups::to_file(&whole, "g", 3);
        assert!(matches!(other, Err(Error::Another(_))));

        let mut groups = Groups::to_file(&whole, "f", 3).unwrap();
        let standing = groups.standing();
        assert_eq!((standing.rows, standing.cursor.as_str()), (6, "behind 5"));
        put(&mut groups, 6..10);
        assert!(!whole.exists());
        groups.close().unwrap();
        assert!(!part.exists());

        let reader = SerializedFileReader::try_from(whole.as_path()).unwrap();
        let metadata = reader.metadata();
        assert_eq!(metadata.num_row_groups(), 4);
        assert!(metadata.file_metadata().key_value_metadata().is_none());
        let rows: Vec<_> = reader.get_row_iter(None).unwrap().collect();
        assert_eq!(rows.len(), 10);
        let writer = Writer::new().unwrap();
        for (number, row) in (0..).zip(rows) {
            let row = row.unwrap();
            let value = writer.value(&contact(number)).unwrap();
            let fields: Vec<_> = row.get_column_iter().collect();
            assert_eq!(fields.len(), COLUMNS.len());
            for ((name, field), column) in fields.into_iter().zip(COLUMNS) {
                assert_eq!(name, column.name);
                let cell = cell(&value, column);
                assert!(same(field, cell.clone()), "{name}: {field:?}, not {cell:?}");
            }
        }
    }

    #[test]
    fn an_export_killed_while_its_row_groups_are_put_together_ends_as_it_should() {
        let folder = tempfile::tempdir().unwrap();
        let whole = folder.path().join("whole.parquet");
        let mut groups = Groups::to_file(&whole, "f", 2).unwrap();
        put(&mut groups, 0..3);
        groups.finish_group().unwrap();
        drop(groups);
        let part = keep::with(&whole, ".part");
        std::fs::write(part.join("whole"), b"PAR1 torn").unwrap();
        let groups = Groups::to_file(&whole, "f", 2).unwrap();
        assert_eq!(groups.standing().rows, 3);
        groups.close().unwrap();
        let reader = SerializedFileReader::try_from(whole.as_path()).unwrap();
        assert_eq!(reader.get_row_iter(None).unwrap().count(), 3);

        // Of nothing there is a file with its columns.
        let nothing = folder.path().join("nothing.parquet");
        Groups::to_file(&nothing, "f", 2).unwrap().close().unwrap();
        let reader = SerializedFileReader::try_from(nothing.as_path()).unwrap();
        let columns = reader
            .metadata()
            .file_metadata()
            .schema_descr()
            .num_columns();
        assert_eq!(
            (columns, reader.metadata().num_row_groups()),
            (COLUMNS.len(), 0)
        );
    }
}

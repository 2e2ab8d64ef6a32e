//! Real sentences, where they are: `RAPPORT_DATA` names the folder. The suite passes without them and says so.

use std::path::Path;

use rapport_foundation::testing::real_data;

/// Sentences of one source.
pub(crate) type Corpus = (String, Vec<String>);

const FILES: [(&str, &str, Shape); 7] = [
    ("banking77", "banking77/dev/train.csv", Shape::Csv),
    (
        "indonlu smsa",
        "indonlu/dev/smsa_doc-sentiment-prosa/train_preprocess.tsv",
        Shape::Tsv,
    ),
    (
        "indonlu emot",
        "indonlu/dev/emot_emotion-twitter/train_preprocess.csv",
        Shape::Labelled,
    ),
    (
        "indonlu hoasa",
        "indonlu/dev/hoasa_absa-airy/train_preprocess.csv",
        Shape::Csv,
    ),
    (
        "indonlu casa",
        "indonlu/dev/casa_absa-prosa/train_preprocess.csv",
        Shape::Csv,
    ),
    (
        "indonlu nergrit",
        "indonlu/dev/nergrit_ner-grit/train_preprocess.txt",
        Shape::Tagged,
    ),
    ("ntrex", "ntrex/dev", Shape::Folder),
];

#[derive(Clone, Copy)]
enum Shape {
    /// The sentence is the first field; the first line names the fields.
    Csv,
    /// The sentence is the second field.
    Labelled,
    /// The sentence is the first of the fields, which tabs part.
    Tsv,
    /// A word and its tag a line, an empty line between sentences.
    Tagged,
    /// Filipino, Indonesian and English sentences, one a line.
    Folder,
}

/// Every corpus that is there; none without `RAPPORT_DATA`.
pub(crate) fn read() -> Option<Vec<Corpus>> {
    let folder = real_data("real sentences")?;
    let read = |(name, path, shape): &(&str, &str, Shape)| {
        ((*name).to_owned(), sentences(&folder.join(path), *shape))
    };
    Some(FILES.iter().map(read).collect())
}

fn sentences(path: &Path, shape: Shape) -> Vec<String> {
    let text = |path: &Path| std::fs::read_to_string(path).unwrap();
    let lines: Vec<String> = match shape {
        Shape::Csv => records(&text(path))
            .into_iter()
            .skip(1)
            .filter_map(|mut record| (!record.is_empty()).then(|| record.swap_remove(0)))
            .collect(),
        Shape::Labelled => records(&text(path))
            .into_iter()
            .skip(1)
            .filter_map(|mut record| (record.len() > 1).then(|| record.swap_remove(1)))
            .collect(),
        Shape::Tsv => text(path)
            .lines()
            .filter_map(|line| line.split('\t').next().map(str::to_owned))
            .collect(),
        Shape::Tagged => text(path)
            .split("\n\n")
            .map(|block| {
                block
                    .lines()
                    .filter_map(|line| line.split('\t').next())
                    .collect::<Vec<_>>()
                    .join(" ")
            })
            .collect(),
        Shape::Folder => ["ref.fil", "ref.ind", "src.eng"]
            .iter()
            .flat_map(|part| {
                text(&path.join(format!("newstest2019-{part}.1-1000.txt")))
                    .lines()
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            })
            .collect(),
    };
    lines
        .into_iter()
        .filter(|line| !line.trim().is_empty())
        .collect()
}

/// Records of comma-separated values (RFC 4180).
fn records(text: &str) -> Vec<Vec<String>> {
    let (mut records, mut record, mut field, mut quoted) =
        (Vec::new(), Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(std::mem::take(&mut field)),
            '\n' if !quoted => {
                record.push(std::mem::take(&mut field).trim_end_matches('\r').to_owned());
                records.push(std::mem::take(&mut record));
            }
            c => field.push(c),
        }
    }
    if !field.is_empty() {
        record.push(field);
        records.push(record);
    }
    records
}

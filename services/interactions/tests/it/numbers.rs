//! Numbers of cards, accounts and persons, made up, in every form that people write or say them in.

use proptest::prelude::*;

/// A number in a form: what stands between its pieces was put there by the form.
#[derive(Debug, Clone)]
pub(crate) struct Formed {
    pub(crate) pieces: Vec<String>,
    pub(crate) between: &'static str,
    /// What must be said before it for it to be known.
    pub(crate) hint: &'static str,
}

impl Formed {
    /// As one text.
    pub(crate) fn whole(&self) -> String {
        self.pieces.join(self.between)
    }

    /// As two texts, parted between two pieces.
    pub(crate) fn halves(&self, at: usize) -> (String, String) {
        let at = 1 + at % (self.pieces.len().max(2) - 1);
        let (first, second) = self.pieces.split_at(at.min(self.pieces.len()));
        (first.join(self.between), second.join(self.between))
    }
}

/// How a number is written or said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Plain,
    Spaces,
    Dashes,
    Dots,
    Single,
    FullWidth,
    FullWidthSpaces,
    English,
    Doubled,
    Indonesian,
    Filipino,
    Spanish,
}

pub(crate) const FORMS: [Form; 12] = [
    Form::Plain,
    Form::Spaces,
    Form::Dashes,
    Form::Dots,
    Form::Single,
    Form::FullWidth,
    Form::FullWidthSpaces,
    Form::English,
    Form::Doubled,
    Form::Indonesian,
    Form::Filipino,
    Form::Spanish,
];

const ENGLISH: [&str; 10] = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
];
const INDONESIAN: [&str; 10] = [
    "kosong", "satu", "dua", "tiga", "empat", "lima", "enam", "tujuh", "delapan", "sembilan",
];
const FILIPINO: [&str; 10] = [
    "wala", "isa", "dalawa", "tatlo", "apat", "lima", "anim", "pito", "walo", "siyam",
];
const SPANISH: [&str; 10] = [
    "sero", "uno", "dos", "tres", "kwatro", "singko", "sais", "siyete", "otso", "nuwebe",
];

/// A number that was made up.
#[derive(Debug, Clone)]
pub(crate) struct Number {
    pub(crate) kind: &'static str,
    pub(crate) digits: String,
    /// How many digits stand together where it is written in groups.
    pub(crate) groups: Vec<usize>,
    /// What must be said before it where it is not written in groups; empty where nothing needs to be.
    pub(crate) hint: &'static str,
    /// Whether that must be said even of groups.
    pub(crate) always: bool,
}

impl Number {
    pub(crate) fn formed(&self, form: Form) -> Formed {
        let digit = |c: char| c.to_digit(10).unwrap() as usize;
        let said = |words: &[&str; 10]| {
            self.digits
                .chars()
                .map(|c| words[digit(c)].to_owned())
                .collect()
        };
        let wide = |c: char| char::from_u32(0xff10 + c.to_digit(10).unwrap()).unwrap();
        let written = |wider: bool| -> Vec<String> {
            let mut digits = self.digits.chars().map(|c| if wider { wide(c) } else { c });
            self.groups
                .iter()
                .map(|size| digits.by_ref().take(*size).collect())
                .collect()
        };
        let (pieces, between) = match form {
            Form::Plain => (self.digits.chars().map(String::from).collect(), ""),
            Form::Spaces => (written(false), " "),
            Form::Dashes => (written(false), "-"),
            Form::Dots => (written(false), "."),
            Form::Single => (self.digits.chars().map(String::from).collect(), " "),
            Form::FullWidth => (
                self.digits.chars().map(|c| wide(c).to_string()).collect(),
                "",
            ),
            Form::FullWidthSpaces => (written(true), " "),
            Form::English => (said(&ENGLISH), " "),
            Form::Doubled => (doubled(&self.digits), ", "),
            Form::Indonesian => (said(&INDONESIAN), " "),
            Form::Filipino => (said(&FILIPINO), " "),
            Form::Spanish => (said(&SPANISH), " "),
        };
        let grouped = matches!(
            form,
            Form::Spaces | Form::Dashes | Form::Dots | Form::FullWidthSpaces
        );
        let hint = if grouped && !self.always {
            ""
        } else {
            self.hint
        };
        Formed {
            pieces,
            between,
            hint,
        }
    }
}

fn doubled(digits: &str) -> Vec<String> {
    let digits: Vec<char> = digits.chars().collect();
    let mut said = Vec::new();
    for same in digits.chunk_by(|a, b| a == b) {
        for some in same.chunks(3) {
            let word = match some[0] {
                '0' => "oh",
                c => ENGLISH[c.to_digit(10).unwrap() as usize],
            };
            said.push(match some.len() {
                3 => format!("triple {word}"),
                2 => format!("double {word}"),
                _ => word.to_owned(),
            });
        }
    }
    said
}

/// Any of the numbers that must be found.
pub(crate) fn number() -> impl Strategy<Value = Number> {
    prop_oneof![
        card(),
        nik(),
        philsys_card(),
        philsys(),
        social_security(),
        account()
    ]
}

/// A payment card of one of the known issuers.
pub(crate) fn card() -> impl Strategy<Value = Number> {
    let issuers = prop::sample::select(vec![
        ("4", 16),
        ("4", 13),
        ("4", 19),
        ("51", 16),
        ("55", 16),
        ("2221", 16),
        ("2720", 16),
        ("34", 15),
        ("37", 15),
        ("6011", 16),
        ("645", 16),
        ("65", 16),
        ("62", 16),
        ("62", 19),
        ("36", 14),
        ("305", 14),
        ("3528", 16),
        ("3589", 16),
        ("6759", 16),
        ("5018", 16),
        ("2200", 16),
        ("6019", 16),
    ]);
    (issuers, prop::collection::vec(0..10_u32, 18)).prop_map(|((prefix, length), random)| {
        let mut digits = prefix.to_owned();
        digits.extend(
            random
                .iter()
                .take(length - 1 - prefix.len())
                .map(|d| char::from_digit(*d, 10).unwrap()),
        );
        digits.push(check_digit(&digits));
        let groups = match length {
            15 => vec![4, 6, 5],
            14 => vec![4, 6, 4],
            13 => vec![4, 4, 5],
            19 => vec![4, 4, 4, 4, 3],
            _ => vec![4; 4],
        };
        Number {
            kind: "card",
            digits,
            groups,
            hint: "",
            always: false,
        }
    })
}

/// The digit that makes a number pass the check of ISO/IEC 7812.
pub(crate) fn check_digit(digits: &str) -> char {
    let sum: u32 = (digits.chars().rev().enumerate())
        .map(|(place, c)| {
            let value = c.to_digit(10).unwrap() * if place % 2 == 0 { 2 } else { 1 };
            value / 10 + value % 10
        })
        .sum();
    char::from_digit((10 - sum % 10) % 10, 10).unwrap()
}

fn nik() -> impl Strategy<Value = Number> {
    let place = prop::sample::select(vec![11, 12, 31, 32, 35, 51, 64, 73, 91]);
    (
        place,
        1..80_u32,
        1..41_u32,
        1..29_u32,
        any::<bool>(),
        1..13_u32,
        0..100_u32,
        1..10_000_u32,
    )
        .prop_map(
            |(province, regency, district, day, woman, month, year, serial)| {
                let day = if woman { day + 40 } else { day };
                let digits = format!(
                    "{province:02}{regency:02}{district:02}{day:02}{month:02}{year:02}{serial:04}"
                );
                Number {
                    kind: "nik",
                    digits,
                    groups: vec![4; 4],
                    hint: "",
                    always: false,
                }
            },
        )
}

fn philsys_card() -> impl Strategy<Value = Number> {
    "[0-9]{16}"
        .prop_filter("four years", |digits| {
            !digits.starts_with("19") && !digits.starts_with("20")
        })
        .prop_map(|digits| Number {
            kind: "philsys card",
            digits,
            groups: vec![4; 4],
            hint: "my PhilSys card says",
            always: true,
        })
}

fn philsys() -> impl Strategy<Value = Number> {
    "[0-9]{12}".prop_map(|digits| Number {
        kind: "philsys",
        digits,
        groups: vec![4; 3],
        hint: "PSN ko po ay",
        always: true,
    })
}

fn social_security() -> impl Strategy<Value = Number> {
    let area = (1..900_u32).prop_filter("never issued", |area| *area != 666);
    (area, 1..100_u32, 1..10_000_u32).prop_map(|(area, group, serial)| Number {
        kind: "ssn",
        digits: format!("{area:03}{group:02}{serial:04}"),
        groups: vec![3, 2, 4],
        hint: "my social security number is",
        always: false,
    })
}

fn account() -> impl Strategy<Value = Number> {
    (
        "[1-9][0-9]{9}",
        prop::sample::select(vec![
            "nomor rekening saya",
            "ang account number ko ay",
            "BCA",
        ]),
    )
        .prop_map(|(digits, hint)| Number {
            kind: "account",
            digits,
            groups: vec![3, 3, 4],
            hint,
            always: true,
        })
}

//! Keys, tokens and passwords: by the form their makers gave them, or by what stands before them.

use super::runs::Run;
use super::words::Hint;
use super::{Finding, Kind, Mark};

/// Digits of a PIN, a one-time code or the code on a card.
const CODE: std::ops::RangeInclusive<usize> = 3..=8;
/// How many words may stand between "PIN" and its digits.
const CODE_WORDS: usize = 4;
/// Characters of a password.
const PASSWORD: usize = 4;
/// Characters of a password where no colon says that it is one: it must look like one as well.
const BARE_PASSWORD: usize = 6;
/// Characters of a token.
const TOKEN: usize = 8;
const BEARER: usize = 16;
/// Characters of a password that are looked at.
const LONGEST: usize = 256;
/// What keys begin with, and how long they are at least.
const PREFIXES: [(&str, usize); 36] = [
    ("AKIA", 20),
    ("ASIA", 20),
    ("ghp_", 36),
    ("gho_", 36),
    ("ghu_", 36),
    ("ghs_", 36),
    ("ghr_", 36),
    ("github_pat_", 40),
    ("glpat-", 20),
    ("xoxa-", 20),
    ("xoxb-", 20),
    ("xoxo-", 20),
    ("xoxp-", 20),
    ("xoxr-", 20),
    ("xoxs-", 20),
    ("xapp-", 20),
    ("sk_live_", 20),
    ("rk_live_", 20),
    ("sk_test_", 20),
    ("rk_test_", 20),
    ("whsec_", 20),
    ("AIza", 39),
    ("ya29.", 20),
    ("sk-", 24),
    ("SG.", 40),
    ("npm_", 36),
    ("pypi-", 40),
    ("hf_", 30),
    ("dop_v1_", 40),
    ("shpat_", 30),
    ("sq0atp-", 20),
    ("sq0csp-", 20),
    ("EAA", 60),
    ("xnd_production_", 30),
    ("SB-Mid-server-", 20),
    ("Mid-server-", 20),
];
const KEY_BEGINS: &str = "-----BEGIN ";
const KEY_ENDS: &str = "-----END ";
const DASHES: &str = "-----";
/// The longest name of a kind of key, such as `RSA PRIVATE KEY`.
const KEY_NAME: usize = 64;

/// A PIN or a code that is said to be one.
pub(super) fn code(run: &Run) -> Option<Finding> {
    let all = 0..run.digits.len();
    let said = CODE.contains(&all.len())
        && run.follows(Hint::Code, CODE_WORDS)
        && !run.is_date(all.clone());
    said.then(|| run.finding(Kind::Secret, all))
}

/// The secrets of a text.
pub(super) fn find(text: usize, body: &str) -> Vec<Finding> {
    let mut places = blocks(body);
    let words: Vec<Piece<'_>> = pieces(body).collect();
    for (at, piece) in words.iter().enumerate() {
        let before = |back: usize| at.checked_sub(back).and_then(|at| words.get(at));
        if is_made_key(piece.text) || is_labelled(piece, before(1), before(2), before(3)) {
            // A password may hold signs that part other things.
            let rest = body.get(piece.start..).unwrap_or_default();
            let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '<' | '`');
            let length: usize = (rest.chars().take(LONGEST).take_while(|c| !ends(*c)))
                .map(char::len_utf8)
                .sum();
            let made = is_made_key(piece.text);
            let length = if made {
                piece.text.len()
            } else {
                length.max(piece.text.len())
            };
            places.push((piece.start, piece.start + length));
        }
    }
    places.extend(logins(body));
    let finding = |(start, end)| Finding {
        kind: Kind::Secret,
        marks: vec![Mark { text, start, end }],
    };
    places.into_iter().map(finding).collect()
}

/// Blocks of private keys; one that does not end goes to the end of the text.
fn blocks(body: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = body
        .get(at..)
        .and_then(|rest| rest.find(KEY_BEGINS))
        .map(|place| at + place)
    {
        let name = start + KEY_BEGINS.len();
        at = name;
        let Some(rest) = body.get(name..) else { break };
        let Some(length) = rest.find(DASHES).filter(|length| *length <= KEY_NAME) else {
            continue;
        };
        if !rest.get(..length).is_some_and(|name| {
            name.ends_with("PRIVATE KEY") || name.ends_with("PRIVATE KEY BLOCK")
        }) {
            continue;
        }
        let behind = name + length + DASHES.len();
        let end = body
            .get(behind..)
            .and_then(|rest| rest.find(KEY_ENDS))
            .map(|place| behind + place + KEY_ENDS.len());
        let end = end.and_then(|end| {
            body.get(end..)?
                .find(DASHES)
                .map(|place| end + place + DASHES.len())
        });
        at = end.unwrap_or(body.len());
        found.push((start, at));
    }
    found
}

/// What stands between spaces, quotes and signs that assign.
#[derive(Debug, Clone, Copy)]
struct Piece<'a> {
    text: &'a str,
    start: usize,
    /// Whether `:` or `=` stands before it.
    assigned: bool,
}

fn pieces(body: &str) -> impl Iterator<Item = Piece<'_>> {
    let parts = |c: char| {
        c.is_whitespace()
            || matches!(
                c,
                '"' | '`' | '<' | '>' | '(' | ')' | ',' | ';' | '&' | '?' | ':' | '=' | '{' | '}'
            )
    };
    let mut at = 0;
    std::iter::from_fn(move || {
        let mut assigned = false;
        for c in body.get(at..)?.chars() {
            if !parts(c) {
                break;
            }
            assigned |= matches!(c, ':' | '=');
            at += c.len_utf8();
        }
        let rest = body.get(at..).filter(|rest| !rest.is_empty())?;
        let text = rest.split(parts).next()?;
        let start = at;
        at += text.len();
        Some(Piece {
            text,
            start,
            assigned,
        })
    })
}

/// Whether it has the form of a key that somebody makes.
fn is_made_key(piece: &str) -> bool {
    let piece = piece.trim_matches(|c: char| matches!(c, '.' | '!' | '\''));
    let plain = |text: &str| {
        text.chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '+' | '/'))
    };
    let made = PREFIXES
        .iter()
        .any(|(prefix, least)| piece.len() >= *least && piece.starts_with(prefix));
    let token = piece.len() > 40 && piece.starts_with("eyJ") && piece.matches('.').count() >= 2;
    (made || token) && plain(piece)
}

/// Whether what stands before it says that it is a secret.
fn is_labelled(
    piece: &Piece<'_>,
    first: Option<&Piece<'_>>,
    second: Option<&Piece<'_>>,
    third: Option<&Piece<'_>>,
) -> bool {
    let (Some(first), length) = (first, piece.text.chars().count()) else {
        return false;
    };
    let label = label(first.text);
    if piece.assigned {
        return match label {
            Some(Label::Password) => length >= PASSWORD && !is_link(piece.text),
            Some(Label::Token) => length >= TOKEN && !is_link(piece.text),
            None => false,
        };
    }
    if first.text.eq_ignore_ascii_case("bearer") {
        return length >= BEARER;
    }
    let mixed = length >= BARE_PASSWORD && is_mixed(piece.text);
    let said = |word: &str| {
        matches!(
            word.to_ascii_lowercase().as_str(),
            "is" | "adalah" | "ay" | "yaitu" | "ko" | "saya" | "nya" | "was" | "ku" | "my" | "itu"
        )
    };
    let before = |piece: Option<&Piece<'_>>| piece.is_some_and(|piece| label_of_words(piece.text));
    mixed
        && (label_of_words(first.text)
            || (said(first.text)
                && (before(second)
                    || (second.is_some_and(|second| said(second.text)) && before(third)))))
}

fn label_of_words(word: &str) -> bool {
    label(word).is_some_and(|label| label == Label::Password || word.contains(['_', '-']))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Label {
    Password,
    Token,
}

fn label(word: &str) -> Option<Label> {
    let word: String = word
        .chars()
        .take(40)
        .filter(|c| !matches!(c, '_' | '-' | '\'' | '*'))
        .collect();
    match word.to_ascii_lowercase().as_str() {
        "password" | "passwords" | "passwd" | "pwd" | "passphrase" | "sandi" | "katasandi"
        | "passwordnya" | "passwordku" | "passwordko" | "sandinya" | "sandiku" | "kontrasenyas"
        | "pw" => Some(Label::Password),
        "apikey" | "secret" | "secretkey" | "clientsecret" | "accesskey" | "secretaccesskey"
        | "accesstoken" | "authtoken" | "refreshtoken" | "token" | "privatekey" | "serverkey"
        | "xapikey" => Some(Label::Token),
        _ => None,
    }
}

fn is_link(text: &str) -> bool {
    text.starts_with("//") || matches!(text, "http" | "https")
}

/// Whether it looks made up: letters together with digits or signs.
fn is_mixed(text: &str) -> bool {
    let text = text.trim_end_matches(['.', '!', '?', ',']);
    let letters = text.chars().any(char::is_alphabetic);
    let digits = text.chars().any(|c| c.is_ascii_digit());
    let signs = text
        .chars()
        .any(|c| matches!(c, '!' | '@' | '#' | '$' | '%' | '^' | '*' | '+' | '_'));
    letters && (digits || signs)
}

/// Passwords in addresses: `scheme://name:password@host`.
fn logins(body: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (at, slashes) in body.match_indices("://") {
        let start = at + slashes.len();
        let Some(rest) = body.get(start..) else {
            continue;
        };
        let host = rest
            .split(|c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"'))
            .next()
            .unwrap_or_default();
        if let Some((login, _)) = host.rsplit_once('@')
            && let Some((name, password)) = login.split_once(':')
            && !password.is_empty()
        {
            let from = start + name.len() + 1;
            found.push((from, from + password.len()));
        }
    }
    found
}

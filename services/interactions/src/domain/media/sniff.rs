//! What a file is, by its first bytes. What its sender declares is believed only where it makes nothing worse.

use infer::MatcherType;

/// Where nothing better can be said: it is kept and handed out, and nothing opens it by itself.
const OPAQUE: &str = "application/octet-stream";

/// Formats that are told apart by more than their first bytes: what was found, and what it may be declared as.
const FAMILIES: &[(&str, &[&str])] = &[
    (
        "application/zip",
        &[
            "application/x-zip-compressed",
            "application/epub+zip",
            "application/vnd.openxmlformats-officedocument.",
            "application/vnd.oasis.opendocument.",
        ],
    ),
    (
        "application/x-ole-storage",
        &[
            "application/msword",
            "application/vnd.ms-excel",
            "application/vnd.ms-powerpoint",
            "application/vnd.ms-outlook",
        ],
    ),
    ("application/gzip", &["application/x-gzip"]),
    ("audio/ogg", &["audio/opus", "video/ogg", "application/ogg"]),
    ("audio/opus", &["audio/ogg", "application/ogg"]),
    ("audio/x-wav", &["audio/wav", "audio/wave"]),
    ("audio/m4a", &["audio/mp4", "audio/x-m4a", "video/mp4"]),
    ("audio/x-flac", &["audio/flac"]),
    (
        "video/mp4",
        &["audio/mp4", "audio/m4a", "video/3gpp", "video/quicktime"],
    ),
    ("video/webm", &["audio/webm", "video/x-matroska"]),
    ("image/heif", &["image/heic"]),
];

/// Texts that nothing runs. Any other text is served as plain text.
const TEXTS: &[&str] = &[
    "text/plain",
    "text/csv",
    "text/vcard",
    "text/x-vcard",
    "text/calendar",
    "text/markdown",
    "application/json",
];

/// The media type to serve a file as, given the one that was declared and its first bytes.
#[must_use]
pub fn served(declared: &str, start: &[u8]) -> String {
    let declared = essence(declared);
    match infer::get(start) {
        Some(kind) if acts(kind.matcher_type()) => OPAQUE.to_owned(),
        Some(kind) => found(&declared, kind.mime_type()),
        None if is_text(start) => text(declared),
        None => OPAQUE.to_owned(),
    }
}

/// A media type without its parameters.
fn essence(declared: &str) -> String {
    let essence = declared.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

/// Programs, scripts, and markup that a browser would act on.
fn acts(kind: MatcherType) -> bool {
    matches!(kind, MatcherType::App | MatcherType::Text)
}

/// What is only looked at or listened to.
fn is_passive(kind: &str) -> bool {
    ["image/", "audio/", "video/"]
        .iter()
        .any(|passive| kind.starts_with(passive))
}

fn found(declared: &str, found: &str) -> String {
    let family = FAMILIES.iter().find(|(known, _)| *known == found);
    let member = |(_, members): &(&str, &[&str])| {
        members.iter().any(|member| {
            declared == *member || (member.ends_with('.') && declared.starts_with(member))
        })
    };
    // Macros run: a document that has them says so by its type.
    if family.is_some_and(member) && !declared.contains("macroenabled") {
        return declared.to_owned();
    }
    let undeclared = declared.is_empty() || declared == OPAQUE;
    if undeclared || declared == found || is_passive(found) {
        return found.to_owned();
    }
    // A document or an archive under the name of something else, such as a picture.
    OPAQUE.to_owned()
}

/// UTF-8 without control characters, as far as it was looked at. The last character may be cut.
fn is_text(start: &[u8]) -> bool {
    let valid = match std::str::from_utf8(start) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            let (valid, _) = start.split_at(error.valid_up_to());
            std::str::from_utf8(valid).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !valid.is_empty()
        && !valid
            .chars()
            .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{c}'))
        && !is_markup(valid)
}

/// Markup that begins with something else than the first bytes that give it away.
fn is_markup(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let text: String = text.chars().take(1024).collect();
    let text = text.to_ascii_lowercase();
    text.starts_with('<')
        || text.contains("<script")
        || text.contains("<svg")
        || text.contains("<html")
}

fn text(declared: String) -> String {
    if TEXTS.contains(&declared.as_str()) {
        declared
    } else {
        "text/plain".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    const PDF: &[u8] = b"%PDF-1.7\n";
    const ZIP: &[u8] = b"PK\x03\x04\x14\0\0\0";
    const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

    #[test]
    fn what_is_declared_counts_only_where_it_makes_nothing_worse() {
        for (declared, start, expected) in [
            ("image/png", PNG, "image/png"),
            ("Image/PNG; q=1", PNG, "image/png"),
            ("", PNG, "image/png"),
            ("image/jpeg", PNG, "image/png"),
            ("text/html", PNG, "image/png"),
            ("application/pdf", PDF, "application/pdf"),
            ("", PDF, "application/pdf"),
            ("image/png", PDF, OPAQUE),
            ("image/png", ZIP, OPAQUE),
            ("text/plain", ZIP, OPAQUE),
            ("", ZIP, "application/zip"),
            (DOCX, ZIP, DOCX),
            (
                "application/vnd.ms-word.document.macroenabled.12",
                ZIP,
                OPAQUE,
            ),
            ("audio/ogg", b"OggS\0\x02", "audio/ogg"),
            ("application/ogg", b"OggS\0\x02", "application/ogg"),
            ("image/png", b"\x01\x02\x03\x04", OPAQUE),
        ] {
            assert_eq!(served(declared, start), expected, "{declared} {start:?}");
        }
    }

    #[test]
    fn what_can_be_executed_or_acts_in_a_browser_is_opaque_whatever_it_is_declared_as() {
        let starts: [&[u8]; 12] = [
            b"MZ\x90\0\x03\0\0\0",
            b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
            b"#!/bin/sh\nrm -rf /",
            b"\0asm\x01\0\0\0",
            b"<!DOCTYPE html><p>x",
            b"<html ><script>alert(1)</script>",
            b"  \n<script>alert(1)</script>",
            b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>",
            b"<?xml version=\"1.0\"?><svg/>",
            b"\xef\xbb\xbf<svg/onload=alert(1)>",
            b"hello <SCRIPT >alert(1)</SCRIPT>",
            b"<a\thref=x>",
        ];
        for start in starts {
            for declared in ["", "image/png", "text/plain", "text/html", "image/svg+xml"] {
                let text = String::from_utf8_lossy(start);
                assert_eq!(served(declared, start), OPAQUE, "{declared} {text}");
            }
        }
    }

    #[test]
    fn texts_are_texts_and_nothing_else() {
        for (declared, start, expected) in [
            ("text/csv", "a;b\n1;2", "text/csv"),
            ("text/html", "halo", "text/plain"),
            ("application/javascript", "alert(1)", "text/plain"),
            ("image/png", "halo", "text/plain"),
            ("application/json", "{\"a\": 1 < 2}", "application/json"),
            ("", "selamat pagi", "text/plain"),
            ("text/plain", "a\0b", OPAQUE),
        ] {
            assert_eq!(served(declared, start.as_bytes()), expected, "{declared}");
        }
        let cut = "é".as_bytes();
        assert_eq!(served("", &[b"caf", &cut[..1]].concat()), "text/plain");
        assert_eq!(served("", &[b"caf", &cut[1..]].concat()), OPAQUE);
    }
}

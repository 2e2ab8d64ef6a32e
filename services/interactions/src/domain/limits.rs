//! How much of everything one contact may carry. Each limit is stated in the contract as well.

/// Characters of a connector's key of a contact.
pub const EXTERNAL_ID: usize = 256;
/// People and programs that took part.
pub const PARTICIPANTS: usize = 50;
/// Further ways to recognise one participant.
pub const FURTHER_IDENTIFIERS: usize = 10;
/// Characters of an identifier's value: the longest e-mail address.
pub const IDENTIFIER: usize = 320;
/// Characters of the place an identifier is unique in.
pub const NAMESPACE: usize = 128;
/// Characters of a name.
pub const DISPLAY_NAME: usize = 200;
/// Characters of a subject: the longest line of RFC 5322.
pub const SUBJECT: usize = 998;
/// Pieces of what was said or sent.
pub const PARTS: usize = 100;
/// Bytes of all parts together.
pub const PARTS_BYTES: usize = 1024 * 1024;
/// Characters of one plain text.
pub const TEXT: usize = 100_000;
/// Characters of one HTML text.
pub const HTML: usize = 500_000;
/// Characters of the place of a file.
pub const URI: usize = 2048;
/// Characters of a media type.
pub const MEDIA_TYPE: usize = 255;
/// Characters of a file name.
pub const FILE_NAME: usize = 255;
/// Characters of the key of a matter on its channel.
pub const THREAD_KEY: usize = 512;
/// Facts of the channel that have no field.
pub const ATTRIBUTES: usize = 64;
/// Characters of the name of such a fact.
pub const ATTRIBUTE_KEY: usize = 64;
/// Characters of such a fact.
pub const ATTRIBUTE_VALUE: usize = 1024;
/// Bytes of the payload as the channel delivered it.
pub const RAW_PAYLOAD_BYTES: usize = 256 * 1024;
/// Characters of the key of an order.
pub const ORDER_ID: usize = 128;
/// Characters of the code of a queue.
pub const QUEUE: usize = 64;
/// Skills one contact may demand.
pub const SKILLS: usize = 16;
/// Characters of the code of a skill.
pub const SKILL: usize = 64;
/// Characters of a language tag.
pub const LANGUAGE: usize = 35;
/// Characters of the name of a time zone.
pub const TIME_ZONE: usize = 64;
/// Intake rules of one tenant.
pub const RULES: usize = 200;
/// Hours an event may lie ahead of our clock.
pub const HOURS_AHEAD: u64 = 24;
/// Characters of the name of a provider.
pub const PROVIDER: usize = 64;
/// Lines of one order.
pub const ORDER_LINES: usize = 200;
/// Characters of the key of a product.
pub const PRODUCT: usize = 128;
/// Characters of the name of a product.
pub const DESCRIPTION: usize = 200;
/// Thousandths of a product on one line.
pub const QUANTITY_THOUSANDTHS: i64 = 1_000_000_000_000;
/// Segments of one transcript.
pub const SEGMENTS: usize = 2000;
/// Characters of one segment.
pub const SEGMENT: usize = 10_000;
/// The longest time within one contact: 7 days.
pub const WITHIN_MS: i64 = 7 * 24 * 3600 * 1000;
/// Fields of one form.
pub const FORM_FIELDS: usize = 200;
/// Characters of the name of a form or of one of its fields.
pub const FORM_NAME: usize = 200;
/// Characters of what was entered in one field.
pub const FORM_VALUE: usize = 4000;
/// Metres around a place within which it lies.
pub const ACCURACY_M: i32 = 100_000;
/// Characters of the name of a place.
pub const LABEL: usize = 500;
/// Characters of an emoji, or of the name of one.
pub const SYMBOL: usize = 64;
/// Characters of the code of an error.
pub const ERROR_CODE: usize = 64;
/// Characters of the text of an error.
pub const ERROR_TEXT: usize = 500;
/// Characters of a key in a telephone system: of a leg, an agent, a queue.
pub const TELEPHONE_KEY: usize = 128;
/// Characters of the title of a page.
pub const TITLE: usize = 500;
/// Characters of a connector's key of a fact.
pub const FACT_KEY: usize = 256;
/// Characters of the code of a disposition.
pub const DISPOSITION: usize = 64;
/// Characters of a note.
pub const NOTE: usize = 4000;
/// Facts of one contact.
pub const FACTS: usize = 256;
/// Bytes of all facts of one contact, as they are kept: a contact with them fits into one answer.
pub const FACTS_BYTES: usize = 2 * 1024 * 1024;
/// Days ahead that a message of ours may wait.
pub const OUTBOUND_DAYS: u64 = 90;
/// Characters of a connector's code of why it could not send a message.
pub const OUTBOUND_REASON: usize = 64;
/// Milliseconds after which a connector may want to try again: a day.
pub const RETRY_AFTER_MS: i64 = 24 * 3600 * 1000;
/// Characters of one value of a mail's headers: the longest line of RFC 5322.
pub const MAIL_HEADER: usize = 998;
/// Values of In-Reply-To.
pub const MAIL_ANSWERED: usize = 10;
/// Values of References.
pub const MAIL_REFERENCES: usize = 100;
/// Rules of one tenant on which contacts are one matter.
pub const THREADING_RULES: usize = 100;
/// Seconds after a contact within which another may be of the same matter: 30 days.
pub const THREADING_WINDOW_S: i32 = 30 * 24 * 3600;
/// Conversations that are one at most: all of them are read to show one.
pub const CONVERSATIONS_MERGED: usize = 500;
/// Interactions taken out of a conversation at a time.
pub const SPLIT: usize = 500;
/// Characters of why a conversation was changed.
pub const CHANGE_REASON: usize = 500;
/// Days that are counted at a time: a year and what precedes it, to compare.
pub const COUNTED_DAYS: u64 = 400;

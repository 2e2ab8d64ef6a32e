use super::Fault;

/// A word of the language.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Name(String),
    /// Without its sign: the least integer has no positive.
    Int(u64),
    Double(f64),
    Text(String),
    Mark(&'static str),
    End,
}

/// A word and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Lexeme {
    pub(super) token: Token,
    pub(super) at: usize,
}

/// The longer ones first.
const MARKS: [&str; 25] = [
    "||", "&&", "==", "!=", "<=", ">=", "<", ">", "!", "+", "-", "*", "/", "%", "?", ":", ".", ",",
    "(", ")", "[", "]", "{", "}", "=",
];

/// The words of a source, with one [`Token::End`] behind them.
pub(super) fn lex(source: &str) -> Result<Vec<Lexeme>, Fault> {
    let mut lexer = Lexer {
        chars: source.chars().collect(),
        at: 0,
    };
    let mut lexemes = Vec::new();
    loop {
        lexer.skip_blank();
        let at = lexer.at;
        let token = lexer.token()?;
        let ended = token == Token::End;
        lexemes.push(Lexeme { token, at });
        if ended {
            return Ok(lexemes);
        }
    }
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
}

impl Lexer {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn skip_while(&mut self, fits: impl Fn(char) -> bool) {
        while self.peek(0).is_some_and(&fits) {
            self.at += 1;
        }
    }

    fn skip_blank(&mut self) {
        loop {
            self.skip_while(|c| matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}'));
            if self.peek(0) != Some('/') || self.peek(1) != Some('/') {
                return;
            }
            self.skip_while(|c| c != '\n');
        }
    }

    fn token(&mut self) -> Result<Token, Fault> {
        let Some(first) = self.peek(0) else {
            return Ok(Token::End);
        };
        let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        if digit(Some(first)) || (first == '.' && digit(self.peek(1))) {
            return self.number();
        }
        let quoted = |c: Option<char>| matches!(c, Some('"' | '\''));
        if quoted(Some(first)) {
            return self.text(false);
        }
        if matches!(first, 'r' | 'R') && quoted(self.peek(1)) {
            self.at += 1;
            return self.text(true);
        }
        if is_name_start(first) {
            let start = self.at;
            self.skip_while(|c| is_name_start(c) || c.is_ascii_digit());
            return Ok(Token::Name(self.since(start)));
        }
        self.mark()
    }

    fn since(&self, start: usize) -> String {
        self.chars
            .get(start..self.at)
            .unwrap_or_default()
            .iter()
            .collect()
    }

    fn mark(&mut self) -> Result<Token, Fault> {
        let stands = |mark: &&&str| {
            let mut chars = mark.chars().enumerate();
            chars.all(|(place, c)| self.peek(place) == Some(c))
        };
        match MARKS.iter().find(stands).copied() {
            Some("=") => Err(Fault::syntax(self.at, "equality is written ==")),
            Some(mark) => {
                self.at += mark.len();
                Ok(Token::Mark(mark))
            }
            None => Err(Fault::syntax(self.at, "no word begins with this character")),
        }
    }

    fn number(&mut self) -> Result<Token, Fault> {
        let start = self.at;
        if self.peek(0) == Some('0') && matches!(self.peek(1), Some('x' | 'X')) {
            self.at += 2;
            self.skip_while(|c| c.is_ascii_hexdigit());
            let digits = self.since(start + 2);
            return self.integer(start, u64::from_str_radix(&digits, 16).ok());
        }
        let digits = |lexer: &mut Self| lexer.skip_while(|c| c.is_ascii_digit());
        let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        let mut is_double = false;
        digits(self);
        if self.peek(0) == Some('.') && is_digit(self.peek(1)) {
            is_double = true;
            self.at += 1;
            digits(self);
        }
        if matches!(self.peek(0), Some('e' | 'E')) {
            let sign = usize::from(matches!(self.peek(1), Some('+' | '-')));
            if is_digit(self.peek(1 + sign)) {
                is_double = true;
                self.at += 1 + sign;
                digits(self);
            }
        }
        let text = self.since(start);
        if !is_double {
            return self.integer(start, text.parse().ok());
        }
        self.unglued(start)?;
        let number = text.parse().ok().filter(|number: &f64| number.is_finite());
        number
            .map(Token::Double)
            .ok_or_else(|| Fault::syntax(start, "the number is out of range"))
    }

    fn integer(&self, start: usize, number: Option<u64>) -> Result<Token, Fault> {
        self.unglued(start)?;
        number
            .map(Token::Int)
            .ok_or_else(|| Fault::syntax(start, "the number is malformed or out of range"))
    }

    /// `1u` and `12abc` are no numbers of ours.
    fn unglued(&self, start: usize) -> Result<(), Fault> {
        if self.peek(0).is_some_and(is_name_start) {
            return Err(Fault::syntax(start, "the number is malformed"));
        }
        Ok(())
    }

    fn text(&mut self, raw: bool) -> Result<Token, Fault> {
        let start = self.at;
        let unended = || Fault::syntax(start, "the text does not end");
        let quote = self.peek(0);
        self.at += 1;
        let mut text = String::new();
        loop {
            let next = self.peek(0).ok_or_else(unended)?;
            self.at += 1;
            match next {
                _ if Some(next) == quote => return Ok(Token::Text(text)),
                '\n' | '\r' => return Err(unended()),
                '\\' if !raw => text.push(self.escape()?),
                _ => text.push(next),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Fault> {
        let at = self.at - 1;
        let malformed = || Fault::syntax(at, "there is no such escape");
        let next = self.peek(0).ok_or_else(malformed)?;
        self.at += 1;
        let code = match next {
            'a' => 0x07,
            'b' => 0x08,
            'f' => 0x0c,
            'n' => 0x0a,
            'r' => 0x0d,
            't' => 0x09,
            'v' => 0x0b,
            '\\' | '\'' | '"' | '`' | '?' => return Ok(next),
            'x' | 'X' => self.code(2, 16).ok_or_else(malformed)?,
            'u' => self.code(4, 16).ok_or_else(malformed)?,
            'U' => self.code(8, 16).ok_or_else(malformed)?,
            '0'..='3' => {
                self.at -= 1;
                self.code(3, 8).ok_or_else(malformed)?
            }
            _ => return Err(malformed()),
        };
        char::from_u32(code).ok_or_else(malformed)
    }

    /// A number of exactly so many digits.
    fn code(&mut self, digits: usize, radix: u32) -> Option<u32> {
        let mut code: u32 = 0;
        for _ in 0..digits {
            let digit = self.peek(0)?.to_digit(radix)?;
            code = code.checked_mul(radix)?.checked_add(digit)?;
            self.at += 1;
        }
        Some(code)
    }
}

const fn is_name_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

//! Words that say digits, and words that say what a number is.

/// What a word says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// One digit.
    Unit(u8),
    /// Two digits, such as eleven.
    Pair(u8, u8),
    /// A ten that a unit may follow, such as forty.
    Ten(u8),
    /// Indonesian: the unit before it counts tens.
    Tens,
    /// Indonesian: the unit before it is added to ten.
    AddedToTen,
    /// Filipino: the unit behind it is added to ten.
    TenAnd,
    /// The next digit so many times.
    Times(usize),
    /// Said between digits and meaning nothing.
    Filler,
    /// Says what a number near it is.
    Hint(Hint),
    /// Anything else.
    Other,
}

/// What a number is, by a word near it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hint {
    Account,
    Identity,
    SocialSecurity,
    /// A PIN, a one-time code, the code on a card.
    Code,
    /// An order, a parcel, a ticket: no number of a person.
    Order,
    Phone,
}

/// Reads a word, small and without marks on its letters.
pub(super) fn read(word: &str) -> Word {
    use Hint::{Account, Code, Identity, Order, Phone, SocialSecurity};
    use Word::{AddedToTen, Filler, Other, Pair, Ten, TenAnd, Tens, Times, Unit};
    match word {
        "zero" | "oh" | "o" | "nought" | "naught" | "nol" | "enol" | "kosong" | "wala" | "sero"
        | "bokya" | "cero" => Unit(0),
        "one" | "satu" | "isa" | "uno" => Unit(1),
        "two" | "dua" | "dalawa" | "dos" => Unit(2),
        "three" | "tiga" | "tatlo" | "tres" => Unit(3),
        "four" | "empat" | "ampat" | "apat" | "kwatro" | "kuwatro" | "cuatro" => Unit(4),
        "five" | "lima" | "singko" | "sinko" | "cinco" => Unit(5),
        "six" | "enam" | "anim" | "sais" | "seis" => Unit(6),
        "seven" | "tujuh" | "tuju" | "pito" | "siyete" | "syete" | "siete" => Unit(7),
        "eight" | "delapan" | "lapan" | "walo" | "otso" | "ocho" => Unit(8),
        "nine" | "niner" | "sembilan" | "siyam" | "nuwebe" | "nuebe" | "nueve" => Unit(9),
        "ten" | "sepuluh" | "sampu" | "diyes" | "diez" => Pair(1, 0),
        "eleven" | "sebelas" | "labingisa" | "onse" => Pair(1, 1),
        "twelve" | "labindalawa" | "dose" | "doce" => Pair(1, 2),
        "thirteen" | "labintatlo" | "trese" | "trece" => Pair(1, 3),
        "fourteen" | "labingapat" | "katorse" | "catorce" => Pair(1, 4),
        "fifteen" | "labinlima" | "kinse" | "quince" => Pair(1, 5),
        "sixteen" | "labinganim" | "disisais" | "disiseis" | "dieciseis" => Pair(1, 6),
        "seventeen" | "labimpito" | "disisiyete" | "disisyete" | "diecisiete" => Pair(1, 7),
        "eighteen" | "labingwalo" | "labinwalo" | "disiotso" | "dieciocho" => Pair(1, 8),
        "nineteen" | "labingsiyam" | "labinsiyam" | "disinuwebe" | "disinuebe" | "diecinueve" => {
            Pair(1, 9)
        }
        "twenty" | "dalawampu" | "bente" | "beinte" | "veinte" => Ten(2),
        "thirty" | "tatlumpu" | "trenta" | "treinta" => Ten(3),
        "forty" | "fourty" | "apatnapu" | "kwarenta" | "kuwarenta" | "cuarenta" => Ten(4),
        "fifty" | "limampu" | "singkwenta" | "singkuwenta" | "cincuenta" => Ten(5),
        "sixty" | "animnapu" | "sisenta" | "saisenta" | "sesenta" => Ten(6),
        "seventy" | "pitumpu" | "sitenta" | "setenta" => Ten(7),
        "eighty" | "walumpu" | "otsenta" | "ochenta" => Ten(8),
        "ninety" | "siyamnapu" | "nobenta" | "noventa" => Ten(9),
        "puluh" => Tens,
        "belas" => AddedToTen,
        "labing" | "labin" | "labim" => TenAnd,
        "double" | "dobel" | "dobol" | "doble" | "dobleng" | "ganda" => Times(2),
        "triple" | "tripel" | "tripleng" | "treble" => Times(3),
        "and" | "then" | "uh" | "uhm" | "um" | "er" | "eh" | "ah" | "dash" | "hyphen" | "space"
        | "dot" | "point" | "comma" | "minus" | "strip" | "spasi" | "titik" | "koma" | "garis"
        | "lalu" | "terus" | "kemudian" | "dan" | "tapos" | "saka" | "at" | "gitling"
        | "tuldok" | "y" | "t" | "po" | "na" | "ng" => Filler,
        "rekening" | "rek" | "norek" | "account" | "accounts" | "acct" | "acc" | "accnt"
        | "akun" | "bca" | "bri" | "bni" | "btn" | "bsi" | "mandiri" | "cimb" | "danamon"
        | "permata" | "bdo" | "bpi" | "metrobank" | "landbank" | "unionbank" | "rcbc" | "pnb"
        | "iban" | "routing" => Word::Hint(Account),
        "philsys" | "philid" | "ephilid" | "phil" | "psn" | "pcn" | "national" | "pambansang"
        | "nik" | "ktp" | "identity" | "identitas" | "pagkakakilanlan" | "kependudukan" => {
            Word::Hint(Identity)
        }
        "ssn" | "social" | "itin" => Word::Hint(SocialSecurity),
        "pin" | "mpin" | "tpin" | "cvv" | "cvc" | "cvn" | "csc" | "otp" | "passcode" => {
            Word::Hint(Code)
        }
        "order" | "orders" | "pesanan" | "invoice" | "resi" | "tracking" | "awb" | "ref"
        | "reference" | "referensi" | "transaksi" | "transaction" | "trx" | "ticket" | "tiket"
        | "booking" | "kode" | "faktur" | "shipment" | "package" | "paket" | "parcel"
        | "receipt" | "code" | "serial" | "imei" | "sku" => Word::Hint(Order),
        "phone" | "telp" | "telepon" | "telpon" | "tel" | "hp" | "wa" | "whatsapp" | "mobile"
        | "cell" | "cellphone" | "call" | "hubungi" | "kontak" | "contact" | "selpon" => {
            Word::Hint(Phone)
        }
        _ => Other,
    }
}

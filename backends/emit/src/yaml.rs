//! Values as YAML that readers of version 1.1 and 1.2 understand alike.
//!
//! Whatever is not clearly a word is quoted, and whatever is not clearly a letter is escaped, so that texts of users come
//! back as they were: `no`, `12:30`, tags, anchors, direction marks, line ends of any kind.

use serde::ser::{
    Error as _, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};
use serde_json::{Error, Number, Value};

/// Readers look for the colon of a plain key within 1,024 characters.
const LONGEST_KEY: usize = 1_000;

/// What readers of version 1.1 take for something else than text.
const WORDS: [&str; 10] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan"];

/// A document, which ends with a line end.
///
/// # Errors
///
/// If a key is no text.
pub fn document(value: &impl Serialize) -> Result<String, Error> {
    let mut text = String::new();
    value.serialize(Printer { text: &mut text, depth: 0, place: Place::Root })?;
    Ok(text)
}

/// A text as one word or in double quotes.
#[must_use]
pub fn string(text: &str) -> String {
    if is_word(text) { text.to_owned() } else { quoted(text) }
}

/// Where a value stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It is the document.
    Root,
    /// Behind the colon of a key.
    Key,
    /// Behind the dash of an item: the first key of a mapping stands on the same line.
    Item,
}

/// Prints one value, whose parts are indented by `depth`.
struct Printer<'a> {
    text: &'a mut String,
    depth: usize,
    place: Place,
}

impl<'a> Printer<'a> {
    fn scalar(self, scalar: &str) {
        if self.place != Place::Root {
            self.text.push(' ');
        }
        self.text.push_str(scalar);
        self.text.push('\n');
    }

    fn parts(self) -> Parts<'a> {
        let Self { text, depth, place } = self;
        Parts { text, depth, place, count: 0 }
    }

    /// A mapping with one key, the name of a variant; what is printed next is its value.
    fn variant(self, name: &str) -> Self {
        let mut parts = self.parts();
        parts.key(name);
        let Parts { text, depth, .. } = parts;
        Self { text, depth: depth + 1, place: Place::Key }
    }
}

/// The parts of a mapping or of a sequence, as they come.
struct Parts<'a> {
    text: &'a mut String,
    depth: usize,
    place: Place,
    count: usize,
}

impl Parts<'_> {
    fn key(&mut self, key: &str) {
        let first = self.count == 0;
        match self.place {
            Place::Item if first => self.text.push(' '),
            Place::Key if first => self.text.push('\n'),
            _ => {}
        }
        if !(first && self.place == Place::Item) {
            indent(self.depth, self.text);
        }
        self.count += 1;
        let key = string(key);
        if key.len() > LONGEST_KEY {
            self.text.push_str("? ");
            self.text.push_str(&key);
            self.text.push('\n');
            indent(self.depth, self.text);
        } else {
            self.text.push_str(&key);
        }
        self.text.push(':');
    }

    fn value(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        value.serialize(Printer { text: self.text, depth: self.depth + 1, place: Place::Key })
    }

    fn entry(&mut self, key: &str, value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        self.key(key);
        self.value(value)
    }

    fn item(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        if self.count == 0 && self.place != Place::Root {
            self.text.push('\n');
        }
        self.count += 1;
        indent(self.depth, self.text);
        self.text.push('-');
        value.serialize(Printer { text: self.text, depth: self.depth + 1, place: Place::Item })
    }

    fn ended(self, empty: &str) {
        if self.count == 0 {
            Printer { text: self.text, depth: self.depth, place: self.place }.scalar(empty);
        }
    }
}

/// Numbers that are printed as wider ones.
macro_rules! widened {
    ($($name:ident: $narrow:ty as $wide:ident),* $(,)?) => {$(
        fn $name(self, value: $narrow) -> Result<(), Error> {
            self.$wide(value.into())
        }
    )*};
}

impl<'a> Serializer for Printer<'a> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Parts<'a>;
    type SerializeTuple = Parts<'a>;
    type SerializeTupleStruct = Parts<'a>;
    type SerializeTupleVariant = Parts<'a>;
    type SerializeMap = Parts<'a>;
    type SerializeStruct = Parts<'a>;
    type SerializeStructVariant = Parts<'a>;

    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.scalar(if value { "true" } else { "false" });
        Ok(())
    }

    widened!(
        serialize_i8: i8 as serialize_i64, serialize_i16: i16 as serialize_i64, serialize_i32: i32 as serialize_i64,
        serialize_u8: u8 as serialize_u64, serialize_u16: u16 as serialize_u64, serialize_u32: u32 as serialize_u64,
        serialize_f32: f32 as serialize_f64,
    );

    fn serialize_i64(self, value: i64) -> Result<(), Error> {
        self.scalar(&value.to_string());
        Ok(())
    }

    fn serialize_u64(self, value: u64) -> Result<(), Error> {
        self.scalar(&value.to_string());
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Error> {
        match Number::from_f64(value) {
            Some(value) => self.scalar(&number(&value)),
            None => self.scalar("null"),
        }
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Error> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        self.scalar(&string(value));
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.scalar("null");
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _name: &'static str, _index: u32, variant: &'static str) -> Result<(), Error> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _name: &'static str, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self.variant(variant))
    }

    fn serialize_seq(self, _length: Option<usize>) -> Result<Parts<'a>, Error> {
        Ok(self.parts())
    }

    fn serialize_tuple(self, _length: usize) -> Result<Parts<'a>, Error> {
        Ok(self.parts())
    }

    fn serialize_tuple_struct(self, _name: &'static str, _length: usize) -> Result<Parts<'a>, Error> {
        Ok(self.parts())
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Parts<'a>, Error> {
        Ok(self.variant(variant).parts())
    }

    fn serialize_map(self, _length: Option<usize>) -> Result<Parts<'a>, Error> {
        Ok(self.parts())
    }

    fn serialize_struct(self, _name: &'static str, _length: usize) -> Result<Parts<'a>, Error> {
        Ok(self.parts())
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Parts<'a>, Error> {
        Ok(self.variant(variant).parts())
    }
}

/// Sequences under the names that serde has for them.
macro_rules! sequences {
    ($($kind:ident $each:ident),*) => {$(
        impl $kind for Parts<'_> {
            type Ok = ();
            type Error = Error;

            fn $each<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.item(value)
            }

            fn end(self) -> Result<(), Error> {
                self.ended("[]");
                Ok(())
            }
        }
    )*};
}

sequences!(
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field
);

/// Structures under the names that serde has for them.
macro_rules! structures {
    ($($kind:ident),*) => {$(
        impl $kind for Parts<'_> {
            type Ok = ();
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Error> {
                self.entry(key, value)
            }

            fn end(self) -> Result<(), Error> {
                self.ended("{}");
                Ok(())
            }
        }
    )*};
}

structures!(SerializeStruct, SerializeStructVariant);

impl SerializeMap for Parts<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        match serde_json::to_value(key)? {
            Value::String(key) => {
                self.key(&key);
                Ok(())
            }
            other => Err(Error::custom(format!("{other} is no key"))),
        }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.value(value)
    }

    fn end(self) -> Result<(), Error> {
        self.ended("{}");
        Ok(())
    }
}

/// A number; version 1.1 wants a point and a sign in `1.0e+20`.
fn number(number: &Number) -> String {
    let text = number.to_string();
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else { return text };
    let point = if mantissa.contains('.') { "" } else { ".0" };
    let sign = if exponent.starts_with(['-', '+']) { "" } else { "+" };
    format!("{mantissa}{point}e{sign}{exponent}")
}

fn indent(depth: usize, text: &mut String) {
    for _ in 0..depth {
        text.push_str("  ");
    }
}

/// Whether a text is a word in every version: letters first, then also digits and a few marks.
fn is_word(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'/' | b'-'))
        && text.len() <= LONGEST_KEY
        && !WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            ' '..='~' => quoted.push(letter),
            letter if letter.is_alphanumeric() && u32::from(letter) <= 0xFFFF => quoted.push(letter),
            letter => quoted.push_str(&escaped(letter)),
        }
    }
    quoted.push('"');
    quoted
}

fn escaped(letter: char) -> String {
    match u32::from(letter) {
        code @ ..=0xFF => format!("\\x{code:02X}"),
        code @ ..=0xFFFF => format!("\\u{code:04X}"),
        code => format!("\\U{code:08X}"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may panic")]
    use super::*;
    use serde_json::json;

    #[test]
    fn structure_is_shown_by_indents() {
        let value = json!({
            "a": {"b": [1, {"c": true, "d": [null]}, [2.5, []]], "e": {}},
            "steps": [{"name": "x", "args": ["--n", "1"]}],
        });
        let text = document(&value).unwrap();
        let lines = [
            "a:",
            "  b:",
            "    - 1",
            "    - c: true",
            "      d:",
            "        - null",
            "    -",
            "      - 2.5",
            "      - []",
            "  e: {}",
            "steps:",
            "  - name: x",
            "    args:",
            "      - \"--n\"",
            "      - \"1\"",
            "",
        ];
        assert_eq!(text, lines.join("\n"));
    }

    #[test]
    fn what_is_no_word_is_quoted() {
        for word in ["train", "system.Dataset", "comp-train-model", "a/b_c", "e5"] {
            assert_eq!(string(word), word);
        }
        let cases = [
            ("no", r#""no""#),
            ("Y", r#""Y""#),
            ("", r#""""#),
            ("1e3", r#""1e3""#),
            ("a: b", r#""a: b""#),
            ("a\r\nb", r#""a\x0D\nb""#),
            ("\u{202e}x", r#""\u202Ex""#),
            ("é\u{85}\u{2028}", r#""é\x85\u2028""#),
            ("😀", r#""\U0001F600""#),
            ("!tag \"q\" \\", r#""!tag \"q\" \\""#),
        ];
        for (text, wanted) in cases {
            assert_eq!(string(text), wanted);
        }
    }

    #[test]
    fn numbers_are_numbers_in_version_1_1() {
        let shown = |value: Value| document(&value).unwrap().trim_end().to_owned();
        assert_eq!(shown(json!(1e-7)), "1.0e-7");
        assert_eq!(shown(json!(2.5e20)), "2.5e+20");
        assert_eq!(shown(json!(-3)), "-3");
        assert_eq!(shown(json!(0.1)), "0.1");
    }

    #[test]
    fn a_long_key_is_a_key() {
        let text = document(&json!({ "k".repeat(2_000): {"a": 1} })).unwrap();
        assert!(text.starts_with("? \"k") && text.ends_with("\n:\n  a: 1\n"), "{text}");
    }
}

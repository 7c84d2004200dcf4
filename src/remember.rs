//! An object's SQL that answers a question it was asked before from memory, until something is written.
//!
//! One instance of a Durable Object is the only one that reads and writes its SQLite, and all of its statements come through
//! here. So the same `SELECT` with the same parameters has the same rows until a statement that is no `SELECT` runs, or a
//! transaction ends: then everything is forgotten. Most requests only read, and asking SQLite was a tenth of what they
//! cost (`docs/performance.md`).

use std::cell::RefCell;
use std::rc::Rc;

use futures::future::LocalBoxFuture;

use crate::ports::{Row, Sql, StorageError, Value};

/// As many questions are remembered.
const QUESTIONS: usize = 8;
/// A longer answer than this is not: what is asked again and again has one row.
const ROWS: usize = 4;

/// A statement, its parameters and its rows.
type Answered = (String, Vec<Value>, Vec<Row>);

/// SQL with a memory.
pub struct Remembering {
    sql: Rc<dyn Sql>,
    /// The oldest first.
    known: RefCell<Vec<Answered>>,
}

impl Remembering {
    /// A memory before `sql`, which nobody else may write to.
    pub fn new(sql: Rc<dyn Sql>) -> Remembering {
        Remembering { sql, known: RefCell::default() }
    }

    fn forget(&self) {
        self.known.borrow_mut().clear();
    }
}

/// Forgets when it is dropped.
struct Forgetting<'a>(&'a Remembering);

impl Drop for Forgetting<'_> {
    fn drop(&mut self) {
        self.0.forget();
    }
}

impl Sql for Remembering {
    fn exec(&self, statement: &str, parameters: Vec<Value>) -> Result<Vec<Row>, StorageError> {
        if !statement.starts_with("SELECT") {
            self.forget();
            return self.sql.exec(statement, parameters);
        }
        let same = |(asked, with, _): &&Answered| asked == statement && *with == parameters;
        if let Some((.., rows)) = self.known.borrow().iter().find(same) {
            return Ok(rows.clone());
        }
        let rows = self.sql.exec(statement, parameters.clone())?;
        if rows.len() <= ROWS {
            let mut known = self.known.borrow_mut();
            if known.len() >= QUESTIONS {
                known.remove(0);
            }
            known.push((statement.to_owned(), parameters, rows.clone()));
        }
        Ok(rows)
    }

    fn transaction(&self, work: &mut dyn FnMut() -> Result<(), StorageError>) -> Result<(), StorageError> {
        // What was read within it may have been undone, also by a panic in `work`.
        let _forgetting = Forgetting(self);
        self.sql.transaction(work)
    }

    fn delete_all(&self) -> LocalBoxFuture<'_, Result<(), StorageError>> {
        self.forget();
        self.sql.delete_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// One number, which each read counts.
    #[derive(Default)]
    struct Number {
        value: Cell<i64>,
        reads: Cell<u32>,
    }

    impl Sql for Number {
        fn exec(&self, statement: &str, parameters: Vec<Value>) -> Result<Vec<Row>, StorageError> {
            if let [Value::Integer(value)] = parameters.as_slice()
                && statement.starts_with("UPDATE")
            {
                self.value.set(*value);
                return Ok(vec![]);
            }
            self.reads.set(self.reads.get() + 1);
            let many = if statement.contains("many") { ROWS + 1 } else { 1 };
            Ok(vec![Row(vec![Value::Integer(self.value.get())]); many])
        }

        fn transaction(&self, work: &mut dyn FnMut() -> Result<(), StorageError>) -> Result<(), StorageError> {
            /// Undoes what was not committed, however it ended.
            struct Undo<'a>(&'a Cell<i64>, Option<i64>);
            impl Drop for Undo<'_> {
                fn drop(&mut self) {
                    if let Some(before) = self.1 {
                        self.0.set(before);
                    }
                }
            }
            let mut undo = Undo(&self.value, Some(self.value.get()));
            work()?;
            undo.1 = None;
            Ok(())
        }

        fn delete_all(&self) -> LocalBoxFuture<'_, Result<(), StorageError>> {
            self.value.set(0);
            Box::pin(std::future::ready(Ok(())))
        }
    }

    fn read(sql: &Remembering, statement: &str) -> i64 {
        sql.exec(statement, vec![]).unwrap()[0].integer(0).unwrap()
    }

    fn write(sql: &Remembering, value: i64) {
        sql.exec("UPDATE", vec![value.into()]).unwrap();
    }

    #[test]
    fn a_question_is_asked_once_until_something_is_written() {
        let number = Rc::new(Number::default());
        let sql = Remembering::new(Rc::clone(&number) as _);
        assert_eq!([read(&sql, "SELECT"), read(&sql, "SELECT")], [0, 0]);
        assert_eq!(number.reads.get(), 1);
        write(&sql, 7);
        assert_eq!([read(&sql, "SELECT"), read(&sql, "SELECT")], [7, 7]);
        assert_eq!(number.reads.get(), 2);
        sql.exec("SELECT", vec![1_i64.into()]).unwrap();
        assert_eq!(number.reads.get(), 3, "with another parameter it is another question");
    }

    #[test]
    fn what_a_transaction_read_is_forgotten_with_it() {
        let sql = Remembering::new(Rc::new(Number::default()));
        let undone = sql.transaction(&mut || {
            write(&sql, 7);
            assert_eq!(read(&sql, "SELECT"), 7);
            Err(StorageError("no".to_owned()))
        });
        assert!(undone.is_err());
        assert_eq!(read(&sql, "SELECT"), 0);
    }

    #[test]
    fn what_a_transaction_read_is_forgotten_when_it_panics() {
        let sql = Remembering::new(Rc::new(Number::default()));
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            sql.transaction(&mut || {
                write(&sql, 7);
                assert_eq!(read(&sql, "SELECT"), 7);
                panic!("in the middle");
            })
        }));
        assert!(panicked.is_err());
        assert_eq!(read(&sql, "SELECT"), 0);
    }

    #[test]
    fn the_memory_is_small() {
        let number = Rc::new(Number::default());
        let sql = Remembering::new(Rc::clone(&number) as _);
        for _ in 0..2 {
            read(&sql, "SELECT many");
        }
        assert_eq!(number.reads.get(), 2, "a long answer is not kept");
        for n in 0..=QUESTIONS {
            read(&sql, &format!("SELECT {n}"));
        }
        assert_eq!(sql.known.borrow().len(), QUESTIONS);
        let before = number.reads.get();
        read(&sql, &format!("SELECT {QUESTIONS}"));
        assert_eq!(number.reads.get(), before);
        read(&sql, "SELECT 0");
        assert_eq!(number.reads.get(), before + 1, "the oldest was forgotten");
    }
}

//! The binding of libchdb, ClickHouse built as a shared library, loaded at run time.
//!
//! The only file of the project with `unsafe`. It turns the C functions of `chdb.h` (26.7) into three safe types:
//! [`Library`], [`Connection`] and [`InsertStream`]. It knows no HTTP, no users and no settings. A connection is
//! neither `Send` nor `Sync`: it lives and dies on the thread that made it.
#![expect(unsafe_code, reason = "the one binding of a C library; each block says why it is sound")]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::marker::PhantomData;
use std::path::Path;

use super::answer::{Analysis, Class, LoadError, Output};
use super::exception::Exception;

type Handle = *mut c_void;
/// `*_with_params_n`: connection, SQL, its length, format, its length, then names, lengths, values, lengths, count.
type WithParams = unsafe extern "C" fn(
    Handle,
    *const c_char,
    usize,
    *const c_char,
    usize,
    *const *const c_char,
    *const usize,
    *const *const c_char,
    *const usize,
    usize,
) -> Handle;

/// The functions used, as `chdb.h` declares them.
struct Api {
    set_signal_handlers_enabled: unsafe extern "C" fn(c_int),
    connect: unsafe extern "C" fn(c_int, *mut *mut c_char) -> *mut Handle,
    close_conn: unsafe extern "C" fn(*mut Handle),
    query_with_params_n: WithParams,
    stream_insert_with_params_n: WithParams,
    stream_append: unsafe extern "C" fn(Handle, *const c_void, usize) -> c_int,
    stream_done: unsafe extern "C" fn(Handle) -> Handle,
    stream_insert_error: unsafe extern "C" fn(Handle) -> *const c_char,
    destroy_insert_stream: unsafe extern "C" fn(Handle),
    destroy_query_result: unsafe extern "C" fn(Handle),
    result_buffer: unsafe extern "C" fn(Handle) -> *const u8,
    result_length: unsafe extern "C" fn(Handle) -> usize,
    result_elapsed: unsafe extern "C" fn(Handle) -> f64,
    result_rows_read: unsafe extern "C" fn(Handle) -> u64,
    result_bytes_read: unsafe extern "C" fn(Handle) -> u64,
    result_rows_written: unsafe extern "C" fn(Handle) -> u64,
    result_bytes_written: unsafe extern "C" fn(Handle) -> u64,
    result_error: unsafe extern "C" fn(Handle) -> *const c_char,
    classify_query_n: unsafe extern "C" fn(
        Handle,
        *const c_char,
        usize,
        *const c_char,
        usize,
        *mut RawAnalysis,
    ) -> c_int,
    version: unsafe extern "C" fn() -> *const c_char,
    shutdown: unsafe extern "C" fn() -> c_int,
}

/// `chdb_query_analysis_v1`.
#[repr(C)]
struct RawAnalysis {
    struct_size: u32,
    statement_count: u32,
    flags: u32,
    query_class: u32,
}

/// A loaded libchdb. It is never unloaded: its threads outlive every connection.
pub(super) struct Library {
    api: Api,
}

impl Library {
    /// Loads the shared library at `path` and switches its signal handlers off.
    ///
    /// # Errors
    /// When the file can't be loaded or lacks a function.
    pub(super) fn load(path: &Path) -> Result<&'static Self, LoadError> {
        let fail = |error: libloading::Error| LoadError::Load {
            path: path.to_owned(),
            reason: error.to_string(),
        };
        // SAFETY: loading runs libchdb's initialisers, which only set up its own globals. The handle is leaked
        // below, so no function pointer taken from it can dangle.
        let library = unsafe { libloading::Library::new(path) }.map_err(fail)?;
        let api = Api::resolve(&library).map_err(fail)?;
        std::mem::forget(library);
        // SAFETY: may be called at any time before the first connect; takes no pointer.
        unsafe { (api.set_signal_handlers_enabled)(0) };
        Ok(Box::leak(Box::new(Self { api })))
    }

    /// Opens a connection to the data in `folder`. All connections of one process share one folder.
    ///
    /// # Errors
    /// When the engine refuses the folder.
    pub(super) fn connect(&'static self, folder: &Path) -> Result<Connection, LoadError> {
        let refused = || LoadError::Connect(folder.to_owned());
        let path = CString::new(format!("--path={}", folder.display())).map_err(|_| refused())?;
        let mut arguments = [c"clickhouse".as_ptr().cast_mut(), path.as_ptr().cast_mut()];
        // SAFETY: two valid NUL-terminated strings that outlive the call; chdb copies and does not write them.
        let outer = unsafe { (self.api.connect)(2, arguments.as_mut_ptr()) };
        if outer.is_null() {
            return Err(refused());
        }
        Ok(Connection { library: self, outer, _one_thread: PhantomData })
    }

    /// The version of the library, such as `26.7.3`.
    #[must_use]
    pub(super) fn version(&self) -> String {
        // SAFETY: returns a static NUL-terminated string.
        text(unsafe { (self.api.version)() }).unwrap_or_default()
    }

    /// Joins every thread of the engine. Call it once, with every connection closed, before the process ends.
    pub(super) fn shutdown(&self) {
        // SAFETY: takes nothing; with a connection still open it does nothing and says so.
        let state = unsafe { (self.api.shutdown)() };
        if state != 0 {
            // Every connection is closed by now, so nothing is lost: the process's end takes the thread along.
            tracing::debug!("a thread of the engine did not stop");
        }
    }

    /// Takes the result over: an exception, or a copy of its rows; frees it either way.
    fn take(&self, result: Handle) -> Result<Output, Exception> {
        if result.is_null() {
            return Err(Exception::internal("the engine returned no result"));
        }
        let api = &self.api;
        // SAFETY: `result` is a live result made by this library; the getters read it, the buffer is copied with the
        // length the library gives for it, and it is destroyed once, here, after the last use.
        unsafe {
            let outcome = match text((api.result_error)(result)) {
                Some(message) => Err(Exception::parse(message)),
                None => Ok(Output {
                    body: copy((api.result_buffer)(result), (api.result_length)(result)),
                    elapsed_s: (api.result_elapsed)(result),
                    rows_read: (api.result_rows_read)(result),
                    bytes_read: (api.result_bytes_read)(result),
                    rows_written: (api.result_rows_written)(result),
                    bytes_written: (api.result_bytes_written)(result),
                }),
            };
            (api.destroy_query_result)(result);
            outcome
        }
    }
}

impl Api {
    fn resolve(library: &libloading::Library) -> Result<Self, libloading::Error> {
        macro_rules! symbol {
            ($name:literal) => {
                // SAFETY: the type of the field it is stored in is the declaration in chdb.h of this version.
                *unsafe { library.get($name) }?
            };
        }
        Ok(Self {
            set_signal_handlers_enabled: symbol!(b"chdb_set_signal_handlers_enabled\0"),
            connect: symbol!(b"chdb_connect\0"),
            close_conn: symbol!(b"chdb_close_conn\0"),
            query_with_params_n: symbol!(b"chdb_query_with_params_n\0"),
            stream_insert_with_params_n: symbol!(b"chdb_stream_insert_with_params_n\0"),
            stream_append: symbol!(b"chdb_stream_append\0"),
            stream_done: symbol!(b"chdb_stream_done\0"),
            stream_insert_error: symbol!(b"chdb_stream_insert_error\0"),
            destroy_insert_stream: symbol!(b"chdb_destroy_insert_stream\0"),
            destroy_query_result: symbol!(b"chdb_destroy_query_result\0"),
            result_buffer: symbol!(b"chdb_result_buffer\0"),
            result_length: symbol!(b"chdb_result_length\0"),
            result_elapsed: symbol!(b"chdb_result_elapsed\0"),
            result_rows_read: symbol!(b"chdb_result_rows_read\0"),
            result_bytes_read: symbol!(b"chdb_result_bytes_read\0"),
            result_rows_written: symbol!(b"chdb_result_rows_written\0"),
            result_bytes_written: symbol!(b"chdb_result_bytes_written\0"),
            result_error: symbol!(b"chdb_result_error\0"),
            classify_query_n: symbol!(b"chdb_classify_query_n\0"),
            version: symbol!(b"chdb_version\0"),
            shutdown: symbol!(b"chdb_shutdown\0"),
        })
    }
}

/// A session of the engine, with its own database, settings and temporary tables.
pub(super) struct Connection {
    library: &'static Library,
    outer: *mut Handle,
    /// The engine wants a connection used by one thread at a time.
    _one_thread: PhantomData<*const ()>,
}

impl Connection {
    /// Runs one statement to its end and returns all its rows in `format` (the statement's own `FORMAT` wins).
    ///
    /// # Errors
    /// What the engine says.
    pub(super) fn query(
        &mut self,
        sql: &str,
        format: &str,
        params: &[(String, String)],
    ) -> Result<Output, Exception> {
        let result = self.call(self.library.api.query_with_params_n, sql, format, params);
        self.library.take(result)
    }

    /// Opens an insert; `sql` is the statement without `FORMAT` and without data. Rows are only kept by
    /// [`InsertStream::done`].
    ///
    /// # Errors
    /// What the engine says.
    pub(super) fn insert(
        &mut self,
        sql: &str,
        format: &str,
        params: &[(String, String)],
    ) -> Result<InsertStream<'_>, Exception> {
        let handle = self.call(self.library.api.stream_insert_with_params_n, sql, format, params);
        if handle.is_null() {
            return Err(Exception::internal("the engine opened no insert stream"));
        }
        let stream = InsertStream { connection: self, handle };
        match stream.error() {
            Some(exception) => Err(exception),
            None => Ok(stream),
        }
    }

    /// Asks ClickHouse's parser what `sql` would do. Nothing is executed.
    #[must_use]
    pub(super) fn classify(&self, sql: &str) -> Analysis {
        let size = u32::try_from(size_of::<RawAnalysis>()).unwrap_or(u32::MAX);
        let mut raw =
            RawAnalysis { struct_size: size, statement_count: 0, flags: 0, query_class: 4 };
        // SAFETY: the connection is live, `sql` is passed with its length, no target database is given, and `raw`
        // is of the size it says.
        let state = unsafe {
            let (data, length) = (sql.as_ptr().cast(), sql.len());
            let null = std::ptr::null();
            (self.library.api.classify_query_n)(self.handle(), data, length, null, 0, &raw mut raw)
        };
        let class = match (state, raw.query_class) {
            (0, 0) => Class::ReadOnly,
            (0, 1) => Class::Mutating,
            (0, 2) => Class::Global,
            (0, 3) => Class::Control,
            _ => Class::Unknown,
        };
        Analysis { class, statements: raw.statement_count }
    }

    fn handle(&self) -> Handle {
        // SAFETY: `outer` was returned by chdb_connect and is valid until chdb_close_conn, in `drop`.
        unsafe { *self.outer }
    }

    fn call(
        &self,
        function: WithParams,
        sql: &str,
        format: &str,
        params: &[(String, String)],
    ) -> Handle {
        let names: Vec<*const c_char> =
            params.iter().map(|(name, _)| name.as_ptr().cast()).collect();
        let name_lengths: Vec<usize> = params.iter().map(|(name, _)| name.len()).collect();
        let values: Vec<*const c_char> =
            params.iter().map(|(_, value)| value.as_ptr().cast()).collect();
        let value_lengths: Vec<usize> = params.iter().map(|(_, value)| value.len()).collect();
        // SAFETY: the connection is live and used by this thread alone; every pointer comes with its length and
        // outlives the call, within which the engine copies what it keeps; the four arrays hold `params.len()` each.
        unsafe {
            function(
                self.handle(),
                sql.as_ptr().cast(),
                sql.len(),
                format.as_ptr().cast(),
                format.len(),
                names.as_ptr(),
                name_lengths.as_ptr(),
                values.as_ptr(),
                value_lengths.as_ptr(),
                params.len(),
            )
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: made by chdb_connect, closed once; no stream can be open, since streams borrow the connection.
        unsafe { (self.library.api.close_conn)(self.outer) };
    }
}

/// An open insert. Dropped before [`done`](Self::done), it inserts nothing.
pub(super) struct InsertStream<'connection> {
    connection: &'connection mut Connection,
    handle: Handle,
}

impl InsertStream<'_> {
    /// Hands the next bytes over, wherever they are cut. Blocks while the engine is behind.
    ///
    /// # Errors
    /// When the engine has failed; the rows are then lost.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), Exception> {
        // SAFETY: the stream is live, the bytes come with their length and are copied.
        let state = unsafe {
            let append = self.connection.library.api.stream_append;
            append(self.handle, bytes.as_ptr().cast(), bytes.len())
        };
        match state {
            0 => Ok(()),
            _ => Err(self.error().unwrap_or_else(|| Exception::internal("the insert has failed"))),
        }
    }

    /// Ends the data and waits until its rows are in the table.
    ///
    /// # Errors
    /// What the engine says; nothing was inserted then, or only whole earlier blocks.
    pub(super) fn done(self) -> Result<Output, Exception> {
        let library = self.connection.library;
        // SAFETY: the stream is live; finishing leaves it to be destroyed, which `drop` does.
        let result = unsafe { (library.api.stream_done)(self.handle) };
        library.take(result)
    }

    fn error(&self) -> Option<Exception> {
        // SAFETY: the stream is live; the text, if any, is copied at once.
        let message =
            text(unsafe { (self.connection.library.api.stream_insert_error)(self.handle) });
        message.map(Exception::parse)
    }
}

impl Drop for InsertStream<'_> {
    fn drop(&mut self) {
        // SAFETY: destroyed once; an unfinished stream is cancelled by this.
        unsafe { (self.connection.library.api.destroy_insert_stream)(self.handle) };
    }
}

fn text(pointer: *const c_char) -> Option<String> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: every caller passes a NUL-terminated string that lives until it returns.
    Some(unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned())
}

/// # Safety
/// `pointer` is null or starts `length` readable bytes.
unsafe fn copy(pointer: *const u8, length: usize) -> Vec<u8> {
    if pointer.is_null() || length == 0 {
        return Vec::new();
    }
    // SAFETY: as the caller promises.
    unsafe { std::slice::from_raw_parts(pointer, length) }.to_vec()
}

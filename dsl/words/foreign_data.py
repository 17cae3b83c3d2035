"""The words of pandas, PyTorch, Keras and scikit-learn for data, and what is written or done here instead: a table for
`foreign_settings.py`. Words that mean the same in other statements stand there."""

from __future__ import annotations

DATA_SETTINGS = {
    "netc keeps no groups together; a part that shall be apart is a file of its own, data \"train.csv\", validation ="
    " \"held.csv\"": "groups group group_by groupby group_col group_column group_kfold cluster",
    "a window is of the rows before, and foretells the next one: data ..., window = 10; for a later row the table gets a"
    " target column whose values are so many rows ahead, and inputs = (...) names the others": "horizon forecast"
    " forecast_horizon steps_ahead n_ahead ahead"
    " prediction_length pred_len n_steps_out output_sequence_length output_chunk_length max_horizon lead",
    "a window moves on by one row: data ..., window = 10": "stride sequence_stride sampling_rate hop hop_length",
    "lines that begin with # are skipped, and so are blank ones; whether the first row names the columns is header = true"
    " (or false)": "skip skiprows skip_rows skip_header skip_lines skipfooter skip_footer skip_blank_lines header_lines"
    " header_rows num_header_lines data_start_line",
    "lines that begin with # are comments, no other ones": "comment comments comment_char comment_style",
    "a date is text: leave its column out with inputs = (...), or write columns of its numbers; order = time splits rows as"
    " they stand": "parse_dates date_format date_parser dayfirst infer_datetime_format dates date_column timestamp"
    " time_column datetime date_col time_col",
    "a first column without a name that counts or names the rows is left out; others by choosing the"
    " inputs, inputs = (a, b)": "index_col index_column row_names set_index",
    "columns are chosen by name: inputs = (a, b), target = y": "usecols use_cols col_select select_columns x_columns",
    "columns are named by the first row; in a file without one, header = false, they are c1, c2, ...": "names col_names"
    " colnames column_names variable_names read_variable_names",
    "the first rows alone are limit = 100": "nrows n_rows max_rows n_max head",
    "missing are empty cells, ?, NA, NaN, null and the like, no numbers such as -999; what is done about them is missing ="
    " drop (or mean)": "na_values na_filter keep_default_na na null_values treat_as_missing missing_values"
    " na_rep na_strings",
    "the training part's mean of a column is put there by missing = mean": "fill_value strategy simple_imputer",
    "numbers are read as float64, or float32 where they come so; that of training is train precision = f32": "dtype"
    " dtypes astype col_types float32 float64",
    "text is read as UTF-8, in no other encoding: save the file so": "encoding fileencoding encoding_errors",
    "signs of thousands are not read; 1,5 is read as 1.5 by decimal = comma": "thousands grouping_mark",
    "fields are quoted by \" and by nothing else": "quotechar quoting quote doublequote escapechar",
    "here it is separator = blank": "delim_whitespace skipinitialspace",
    "sheets are not read: save one as CSV, data \"table.csv\"": "sheet_name sheet sheetname excel",
    "files are read as a whole, and data are in memory: nothing is to be set": "num_workers workers n_workers chunksize"
    " chunk_size low_memory memory_map mmap mmap_mode engine iterator lazy streaming cache buffer_size batched collate_fn"
    " multiprocessing_context nthread nthreads num_parallel_calls",
    "what is gzipped is known by its first bytes: nothing is to be set": "compression gzip compressed",
    "columns of true and false are 1 and 0; other words are written so before": "true_values false_values bools",
    "the last batch of an epoch has the samples that are left, and trains too; batches are train batch = 32": "drop_last"
    " drop_remainder",
    "the first samples alone are limit = 100; so many training samples of each class are each = 10": "sample"
    " subset frac fraction n_samples num_samples subsample",
    "a set that is known by name is brought by netc data get mnist": "download root as_frame return_x_y data_home fetch url",
}  # fmt: skip

"""Reports: figures laid out for people, in their language, as a page, a PDF or a workbook."""

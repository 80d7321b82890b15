"""Running a program: admission, execution, judging."""

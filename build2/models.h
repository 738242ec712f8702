/* models: functions compiled by gradjit 0.1.0, for native. It needs nothing but the C library (link with -lm).
 *
 * What every function returns: GRADJIT_OK; or, above 0, the number of a check of the program's own that failed;
 * or, below 0, what is wrong with the call: -(1000 * kind + number of the parameter, from 1), where the kind is
 * one of those below and the number is 0 for what belongs to no single one. NAME_error gives the text of each
 * code. Where a function returns an error, what its results hold is not defined, and arrays that it changes are as
 * they were.
 *
 * Arrays belong to the caller: nothing is kept when a function returns, and nothing is to be freed. Results must
 * share no memory with any other array. Functions may be called by several threads at once, each with results and
 * a workspace of its own. Of a bool, a byte, each value but 0 is true.
 *
 * `workspace`: memory for intermediate results of NAME_workspace(sizes) bytes, at an address that is a multiple of
 * 64, for the time of the call; or NULL: then the function allocates it, if it needs some. A function may allocate
 * more where a loop keeps values for its derivative.
 *
 * The strided variants take arrays in any layout: `extents` by axis, `strides` in bytes, of any sign. What is not
 * row-major is copied. The strides of what is written to must keep its elements apart.
 */


#ifndef GRADJIT_MODELS_H
#define GRADJIT_MODELS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef GRADJIT_ERROR_KINDS
#define GRADJIT_ERROR_KINDS
enum {
    GRADJIT_OK = 0,
    GRADJIT_NULL_POINTER = 1 /* a null pointer where there are elements */,
    GRADJIT_MISALIGNED = 2 /* an address that is no multiple of the element's size (of the workspace: of 64) */,
    GRADJIT_EXTENT = 3 /* an extent that is negative, or so large that no memory holds the array */,
    GRADJIT_STRIDES = 4 /* strides that are no multiples of the element's size, reach too far, or (of an array that is written to) let elements share memory */,
    GRADJIT_SHARED = 5 /* an array that is written to shares memory with another one */,
    GRADJIT_CONDITION = 6 /* sizes that the function was not compiled for */,
    GRADJIT_NO_MEMORY = 7 /* out of memory */,
    GRADJIT_INTERRUPTED = 8 /* the interrupt function said so */,
    GRADJIT_PROCESSOR = 9 /* this processor lacks instructions that the library was made for */,
    GRADJIT_NO_ROUTINE = 10 /* a routine of BLAS or LAPACK that the library was not linked with */,
    GRADJIT_SHAPE = 11 /* an extent that does not fit the others */,
    GRADJIT_RAISED = 12 /* the function raised an error */
};
#endif

/* grad of misfit (ahead-of-time.py:14).
 *
 *   3. w: f64[k]
 *   4. x: f64[n,k]
 *   5. y: f64[n]
 *   6. grad_w: f64[k], result
 *   7. grad_x: f64[n,k], result
 */
int32_t misfit_grad(int64_t k, int64_t n, const double *w, const double *x, const double *y, double *grad_w, double *grad_x, void *workspace);
typedef struct misfit_grad_arguments {
    struct { const double *data; int64_t extents[1], strides[1]; } w;
    struct { const double *data; int64_t extents[2], strides[2]; } x;
    struct { const double *data; int64_t extents[1], strides[1]; } y;
    struct { double *data; int64_t extents[1], strides[1]; } grad_w;
    struct { double *data; int64_t extents[2], strides[2]; } grad_x;
} misfit_grad_arguments;
int32_t misfit_grad_strided(const misfit_grad_arguments *arguments, void *workspace);
int64_t misfit_grad_workspace(int64_t k, int64_t n);
const char *misfit_grad_error(int32_t code);

/* misfit (ahead-of-time.py:14).
 *
 *   3. w: f32[k]
 *   4. x: f32[n,k]
 *   5. y: f32[n]
 *   6. result: f32[], result
 */
int32_t misfit_f32(int64_t k, int64_t n, const float *w, const float *x, const float *y, float *result, void *workspace);
typedef struct misfit_f32_arguments {
    struct { const float *data; int64_t extents[1], strides[1]; } w;
    struct { const float *data; int64_t extents[2], strides[2]; } x;
    struct { const float *data; int64_t extents[1], strides[1]; } y;
    float *result;
} misfit_f32_arguments;
int32_t misfit_f32_strided(const misfit_f32_arguments *arguments, void *workspace);
int64_t misfit_f32_workspace(int64_t k, int64_t n);
const char *misfit_f32_error(int32_t code);

/* `ask` is called now and then by what takes long, on the thread of the call; where it gives another number than 0
 * that call ends with GRADJIT_INTERRUPTED. NULL, as at first: nobody is asked.
 */
void models_set_interrupt(int (*ask)(void));

/* Have the library call a routine of BLAS or LAPACK at an address instead of the one that it was linked with:
 * `name` without the underscore, "dgemm". Gives 0, or -1 for one that it does not call.
 */
int32_t models_set_routine(const char *name, void (*address)(void));

#ifdef __cplusplus
}
#endif

#endif /* GRADJIT_MODELS_H */

/* An example: calls each function of models once: cc main.c -L. -lmodels -lm */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models.h"

static int call_misfit_grad(void) {
    const int64_t k = 5;
    const int64_t n = 6;
    double *w = (double *)calloc((size_t)(k) + 1, sizeof(double));
    double *x = (double *)calloc((size_t)(k*n) + 1, sizeof(double));
    double *y = (double *)calloc((size_t)(n) + 1, sizeof(double));
    double *grad_w = (double *)calloc((size_t)(k) + 1, sizeof(double));
    double *grad_x = (double *)calloc((size_t)(k*n) + 1, sizeof(double));
    if (w == NULL || x == NULL || y == NULL || grad_w == NULL || grad_x == NULL) return 1;
    for (int64_t gj_i = 0; gj_i < k; gj_i++) w[gj_i] = (double)0.1 * (double)(gj_i % 10 + 1);
    for (int64_t gj_i = 0; gj_i < k*n; gj_i++) x[gj_i] = (double)0.1 * (double)(gj_i % 10 + 1);
    for (int64_t gj_i = 0; gj_i < n; gj_i++) y[gj_i] = (double)0.1 * (double)(gj_i % 10 + 1);
    int32_t gj_code = misfit_grad(k, n, w, x, y, grad_w, grad_x, NULL);
    if (gj_code != GRADJIT_OK) printf("misfit_grad: %s\n", misfit_grad_error(gj_code));
    for (int64_t gj_i = 0; gj_code == GRADJIT_OK && gj_i < k && gj_i < 5; gj_i++) printf("misfit_grad grad_w[%d] = %.17g\n", (int)gj_i, (double)grad_w[gj_i]);
    for (int64_t gj_i = 0; gj_code == GRADJIT_OK && gj_i < k*n && gj_i < 5; gj_i++) printf("misfit_grad grad_x[%d] = %.17g\n", (int)gj_i, (double)grad_x[gj_i]);
    free(w);
    free(x);
    free(y);
    free(grad_w);
    free(grad_x);
    return gj_code != GRADJIT_OK;
}

static int call_misfit_f32(void) {
    const int64_t k = 5;
    const int64_t n = 6;
    float *w = (float *)calloc((size_t)(k) + 1, sizeof(float));
    float *x = (float *)calloc((size_t)(k*n) + 1, sizeof(float));
    float *y = (float *)calloc((size_t)(n) + 1, sizeof(float));
    float *result = (float *)calloc((size_t)(1) + 1, sizeof(float));
    if (w == NULL || x == NULL || y == NULL || result == NULL) return 1;
    for (int64_t gj_i = 0; gj_i < k; gj_i++) w[gj_i] = (float)0.1 * (float)(gj_i % 10 + 1);
    for (int64_t gj_i = 0; gj_i < k*n; gj_i++) x[gj_i] = (float)0.1 * (float)(gj_i % 10 + 1);
    for (int64_t gj_i = 0; gj_i < n; gj_i++) y[gj_i] = (float)0.1 * (float)(gj_i % 10 + 1);
    int32_t gj_code = misfit_f32(k, n, w, x, y, result, NULL);
    if (gj_code != GRADJIT_OK) printf("misfit_f32: %s\n", misfit_f32_error(gj_code));
    for (int64_t gj_i = 0; gj_code == GRADJIT_OK && gj_i < 1 && gj_i < 5; gj_i++) printf("misfit_f32 result[%d] = %.17g\n", (int)gj_i, (double)result[gj_i]);
    free(w);
    free(x);
    free(y);
    free(result);
    return gj_code != GRADJIT_OK;
}

int main(void) {
    int failed = 0;
    failed |= call_misfit_grad();
    failed |= call_misfit_f32();
    return failed;
}
